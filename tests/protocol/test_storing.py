"""Changing flags on the server: Dovecot, and servers that refuse, are silent or have renumbered."""

import pytest

from mail.imap.session import MailSession
from mail.types import ChangeRefused, ConnectionFailed, FlagChange, FolderVanished
from tests.mailboxes import Mailbox
from tests.protocol.scripted import DROP, ScriptedServer

_MAIL = b"Subject: x\r\n\r\nbody\r\n"
_SELECTED = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 5]\r\n* OK [UIDNEXT 9]\r\n%T OK [READ-WRITE] done\r\n"
READ = FlagChange("\\Seen", add=True, uids=[1, 2, 4])


def test_flags_are_given_and_taken(mailbox: Mailbox, strategy: str) -> None:
    with mailbox.client() as client:
        client.create_folder("Entwürfe")
        for flags in ((), ("\\Flagged", "$Work"), ("\\Flagged",)):
            client.append("Entwürfe", _MAIL, flags)
    with MailSession.open(mailbox.login) as session:
        (folder,) = [each for each in session.folders() if each.name == "Entwürfe"]
        assert folder.uidvalidity
        told = session.editor.change_flags(
            folder.wire_name,
            folder.uidvalidity,
            [FlagChange("\\Seen", add=True, uids=[1, 2]), FlagChange("\\Flagged", add=False, uids=[2, 3])],
        )
        assert told == {1: {"\\Seen"}, 2: {"\\Seen", "$Work"}, 3: set()}
        session.select(folder.wire_name)
        assert session.flags(1, 3) == told


def test_a_message_that_is_gone_is_no_error(mailbox: Mailbox, strategy: str) -> None:
    with mailbox.client() as client:
        client.append("INBOX", _MAIL)
    with MailSession.open(mailbox.login) as session:
        uidvalidity = session.select("INBOX").uidvalidity
        assert session.editor.change_flags("INBOX", uidvalidity, [READ]) == {1: {"\\Seen"}}


def test_a_folder_that_is_gone_is_told_apart(mailbox: Mailbox, strategy: str) -> None:
    with MailSession.open(mailbox.login) as session, pytest.raises(FolderVanished, match="Gone"):
        session.editor.change_flags("Gone", 1, [READ])


def test_what_the_server_tells_beside_the_answer_is_passed_over() -> None:
    answer = (
        b"* 3 EXPUNGE\r\n* 4 EXISTS\r\n* 2 FETCH (FLAGS (\\Answered))\r\n* 9 FETCH (UID 77 FLAGS NIL)\r\n"
        b"* 1 FETCH (FLAGS (\\Seen \\Recent) UID 1 MODSEQ (7))\r\n%T OK done\r\n"
    )
    with (
        ScriptedServer({"SELECT": _SELECTED, "UID STORE": answer}) as server,
        MailSession.open(server.login) as session,
    ):
        assert session.editor.change_flags("INBOX", 5, [READ]) == {1: {"\\Seen"}}
    assert b"UID STORE 1:2,4 +FLAGS (\\Seen)" in server.heard


def test_a_folder_that_was_renumbered_is_left_alone() -> None:
    with ScriptedServer({"SELECT": _SELECTED}) as server, MailSession.open(server.login) as session:
        with pytest.raises(ChangeRefused, match="renumbered the folder INBOX") as refused:
            session.editor.change_flags("INBOX", 4, [READ])
        assert not refused.value.permanent
        assert not any(command.startswith(b"UID STORE") for command in server.heard)
        session.select("INBOX")


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [
        (b"%T NO [NOPERM] not yours\r\n", True),
        (b"%T NO [READ-ONLY] look, do not touch\r\n", True),
        (b"%T BAD what\r\n", True),
        (b"%T NO [UNAVAILABLE] later\r\n", False),
        (b"%T NO disk full\r\n", False),
        (b"%T NO [THROTTLED] slowly\r\n", False),
    ],
)
@pytest.mark.parametrize("command", ["SELECT", "UID STORE"])
def test_a_refusal_tells_whether_it_is_for_good(command: str, answer: bytes, permanent: bool) -> None:
    script = {"SELECT": _SELECTED, "UID STORE": b"%T OK done\r\n", command: answer}
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        with pytest.raises(ChangeRefused, match="refuses the change in INBOX") as refused:
            session.editor.change_flags("INBOX", 5, [READ])
        assert refused.value.permanent is permanent
        session.select("INBOX")


def test_a_server_that_hangs_up_is_no_refusal() -> None:
    script = {"SELECT": _SELECTED, "UID STORE": b"* BYE no\r\n" + DROP}
    with ScriptedServer(script) as server, MailSession.open(server.login) as session, pytest.raises(ConnectionFailed):
        session.editor.change_flags("INBOX", 5, [READ])


def test_many_messages_fit_into_command_lines() -> None:
    script = {"SELECT": _SELECTED, "UID STORE": b"%T OK done\r\n"}
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        session.editor.change_flags("INBOX", 5, [FlagChange("\\Seen", add=False, uids=range(1, 10_000, 2))])
    stored = [command for command in server.heard if command.startswith(b"UID STORE")]
    assert len(stored) > 1
    assert max(map(len, stored)) < 8192
