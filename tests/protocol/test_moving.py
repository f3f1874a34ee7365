"""Moving, copying and removing messages on the server: Dovecot, and servers that lack, refuse or lie."""

import pytest

from mail.imap.session import MailSession
from mail.types import ChangeRefused, Copied, FolderVanished
from tests.mailboxes import Mailbox
from tests.protocol.scripted import ScriptedServer

_SELECTED = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 5]\r\n* OK [UIDNEXT 9]\r\n%T OK [READ-WRITE] done\r\n"
_OFFER = b"* CAPABILITY IMAP4rev1 %s\r\n%%T OK done\r\n"
_BOTH = {"CAPABILITY": _OFFER % b"UIDPLUS MOVE", "SELECT": _SELECTED}


def _mails(mailbox: Mailbox, *folders: str) -> None:
    with mailbox.client() as client:
        for name in folders:
            client.create_folder(name)
        for number in range(4):
            client.append("INBOX", b"Subject: %d\r\n\r\nbody\r\n" % number, ["\\Flagged"] if number == 1 else [])


def _subjects(mailbox: Mailbox, folder: str) -> dict[int, bytes]:
    with mailbox.client() as client:
        client.select_folder(folder, readonly=True)
        found = client.fetch(client.search("ALL"), ["ENVELOPE"])
        return {uid: data[b"ENVELOPE"].subject for uid, data in found.items()}


def test_messages_are_moved_and_the_server_tells_where_to(mailbox: Mailbox, strategy: str) -> None:
    _mails(mailbox, "Längst vorbei")
    with MailSession.open(mailbox.login) as session:
        by_name = {folder.name: folder for folder in session.folders()}
        target = by_name["Längst vorbei"]
        told = session.editor.move("INBOX", by_name["INBOX"].uidvalidity or 0, [1, 2, 4, 77], target.wire_name)
        assert told == Copied(target.uidvalidity or 0, {1: 1, 2: 2, 4: 3})
    assert _subjects(mailbox, "INBOX") == {3: b"2"}
    assert _subjects(mailbox, "Längst vorbei") == {1: b"0", 2: b"1", 3: b"3"}


def test_a_copy_leaves_the_message(mailbox: Mailbox, strategy: str) -> None:
    _mails(mailbox, "Kept")
    with MailSession.open(mailbox.login) as session:
        uidvalidity = session.select("INBOX").uidvalidity
        assert session.editor.copy("INBOX", uidvalidity, [2], "Kept").uids == {2: 1}
    assert len(_subjects(mailbox, "INBOX")) == 4
    assert _subjects(mailbox, "Kept") == {1: b"1"}


def test_a_removal_takes_no_others_along(mailbox: Mailbox, strategy: str) -> None:
    _mails(mailbox)
    with mailbox.client() as client:
        client.select_folder("INBOX")
        client.delete_messages([3])  # marked by somebody who may think better of it
    with MailSession.open(mailbox.login) as session:
        session.editor.remove("INBOX", session.select("INBOX").uidvalidity, [1, 2])
    assert sorted(_subjects(mailbox, "INBOX")) == [3, 4]


def test_a_folder_that_is_not_there_is_told_apart(mailbox: Mailbox, strategy: str) -> None:
    _mails(mailbox)
    with MailSession.open(mailbox.login) as session:
        uidvalidity = session.select("INBOX").uidvalidity
        with pytest.raises(FolderVanished):
            session.editor.move("INBOX", uidvalidity, [1], "Gone")
        with pytest.raises(FolderVanished):
            session.editor.move("Gone", uidvalidity, [1], "INBOX")
    assert len(_subjects(mailbox, "INBOX")) == 4


def test_without_move_a_message_is_copied_and_then_removed() -> None:
    script = {
        "CAPABILITY": _OFFER % b"UIDPLUS",
        "SELECT": _SELECTED,
        "UID COPY": b"%T OK [COPYUID 7 1:2 8:9] done\r\n",
        "UID STORE": b"%T OK done\r\n",
        "UID EXPUNGE": b"* 1 EXPUNGE\r\n%T OK done\r\n",
    }
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        assert session.editor.move("INBOX", 5, [1, 2], "Kept") == Copied(7, {1: 8, 2: 9})
    said = [command for command in server.heard if command.startswith(b"UID")]
    assert said == [b'UID COPY 1:2 "Kept"', b"UID STORE 1:2 +FLAGS.SILENT (\\Deleted)", b"UID EXPUNGE 1:2"]


def test_a_server_without_both_is_asked_for_nothing_that_would_take_others_mail_along() -> None:
    with (
        ScriptedServer({"CAPABILITY": _OFFER % b"IDLE", "SELECT": _SELECTED}) as server,
        MailSession.open(server.login) as session,
    ):
        for work in (
            lambda: session.editor.move("INBOX", 5, [1], "Kept"),
            lambda: session.editor.remove("INBOX", 5, [1]),
        ):
            with pytest.raises(ChangeRefused, match="neither MOVE nor UIDPLUS") as refused:
                work()
            assert refused.value.permanent
    assert not any(command.startswith((b"UID COPY", b"EXPUNGE", b"UID STORE")) for command in server.heard)


def test_a_server_that_fails_at_move_is_asked_to_copy_and_remembered() -> None:
    script = _BOTH | {
        "UID MOVE": b"%T BAD what\r\n",
        "UID COPY": b"%T OK done\r\n",
        "UID STORE": b"%T OK done\r\n",
        "UID EXPUNGE": b"%T OK done\r\n",
    }
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        assert session.editor.move("INBOX", 5, [1], "Kept") == Copied()
        session.editor.move("INBOX", 5, [2], "Kept")
        assert session.failed == {"MOVE"}
    assert len([command for command in server.heard if command.startswith(b"UID MOVE")]) == 1


@pytest.mark.parametrize(
    "answer", [b"%T NO [OVERQUOTA] full\r\n", b"%T NO [NOPERM] no\r\n", b"%T NO [INUSE] later\r\n"]
)
def test_a_refusal_is_told_and_no_other_way_is_taken(answer: bytes) -> None:
    with ScriptedServer(_BOTH | {"UID MOVE": answer}) as server, MailSession.open(server.login) as session:
        with pytest.raises(ChangeRefused) as refused:
            session.editor.move("INBOX", 5, [1], "Kept")
        assert refused.value.permanent is (b"NOPERM" in answer)
    assert not any(command.startswith(b"UID COPY") for command in server.heard)


@pytest.mark.parametrize(
    "told",
    [
        b"* OK [COPYUID 7 1:2 8] odd\r\n",
        b"* OK [COPYUID 7 1:2] odd\r\n",
        b"* OK [COPYUID 7 1:2 8,8] odd\r\n",
        b"* OK [COPYUID x 1:2 4294967295:1] odd\r\n",
        b"* OK [COPYUID 7 40:41 8:9] of others\r\n",
        b"* OK moved\r\n",
    ],
)
def test_what_cannot_be_right_about_new_places_is_not_believed(told: bytes) -> None:
    with (
        ScriptedServer(_BOTH | {"UID MOVE": told + b"%T OK done\r\n"}) as server,
        MailSession.open(server.login) as session,
    ):
        assert session.editor.move("INBOX", 5, [1, 2], "Kept").uids == {}
