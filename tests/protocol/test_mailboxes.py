"""Making, renaming and deleting folders on the server: Dovecot, and servers that refuse in words."""

import pytest

from mail.imap import names
from mail.imap.session import MailSession
from mail.types import ChangeRefused, ConnectionFailed, FolderVanished, NewFolder
from tests.mailboxes import Mailbox
from tests.protocol.scripted import DROP, ScriptedServer

_OFFER = b"* CAPABILITY IMAP4rev1 %s\r\n%%T OK done\r\n"
_DONE = b"%T OK done\r\n"
_WILLING = {"CREATE": _DONE, "RENAME": _DONE, "DELETE": _DONE, "SUBSCRIBE": _DONE, "UNSUBSCRIBE": _DONE}


def _listed(mailbox: Mailbox) -> set[str]:
    with mailbox.client() as client:
        return {name for _attributes, _delimiter, name in client.list_folders()}


def test_a_folder_is_made_renamed_and_deleted(mailbox: Mailbox, strategy: str) -> None:
    name, other = "Übers & Jahr 😀", "Anderes"
    with MailSession.open(mailbox.login) as session:
        made = session.editor.create_folder(names.encode(name))
        assert made is not None
        assert session.select(names.encode(name)).uidvalidity == made.uidvalidity
        assert made.uidnext == 1
        assert session.editor.create_folder(names.encode(name)) is None
        assert _listed(mailbox) == {"INBOX", name}
        session.editor.rename_folder(names.encode(name), other)  # though it is selected
        assert _listed(mailbox) == {"INBOX", other}
        session.select(other)
        session.editor.delete_folder(other)
        assert _listed(mailbox) == {"INBOX"}
        with pytest.raises(FolderVanished):
            session.editor.delete_folder(other)
        with pytest.raises(FolderVanished):
            session.editor.rename_folder(other, "Nothing")
        assert session.editor.personal_prefix() == ""
        assert {folder.name for folder in session.folders()} == {"INBOX"}, "the session goes on"


def test_a_name_that_is_taken_is_refused_for_now(mailbox: Mailbox, strategy: str) -> None:
    with mailbox.client() as client:
        client.create_folder("One")
        client.create_folder("Two")
    with MailSession.open(mailbox.login) as session, pytest.raises(ChangeRefused) as refused:
        session.editor.rename_folder("One", "Two")
    assert not refused.value.permanent


def test_a_name_that_the_server_cannot_have_is_refused_for_good(mailbox: Mailbox, strategy: str) -> None:
    with MailSession.open(mailbox.login) as session, pytest.raises(ChangeRefused) as refused:
        session.editor.create_folder("x" * 2000)
    assert refused.value.permanent


@pytest.mark.parametrize(
    ("answer", "is_there"),
    [
        (b"%T NO [ALREADYEXISTS] taken\r\n", True),
        (b"%T NO Mailbox already exists\r\n", True),
        (b"%T NO Folder exists.\r\n", True),
        (b"%T NO The parent does not exist\r\n", False),
        (b"%T NO [NOPERM] exists\r\n", False),
        (b"%T NO [INUSE] later\r\n", False),
        (b"%T BAD exists\r\n", False),
    ],
)
def test_a_folder_that_is_there_is_told_from_one_that_may_not_be(answer: bytes, is_there: bool) -> None:
    with ScriptedServer({"CREATE": answer}) as server, MailSession.open(server.login) as session:
        if is_there:
            assert session.editor.create_folder("Plans") is None
        else:
            with pytest.raises((ChangeRefused, FolderVanished)) as refused:
                session.editor.create_folder("Plans")
            assert refused.value.permanent is (b"NOPERM" in answer or b"BAD" in answer)


def test_a_server_that_keeps_no_subscriptions_makes_folders_all_the_same() -> None:
    script = _WILLING | {"SUBSCRIBE": b"%T NO\r\n", "UNSUBSCRIBE": b"%T BAD\r\n", "STATUS": b"%T NO\r\n"}
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        assert session.editor.create_folder("Plans") == NewFolder()
        session.editor.rename_folder("Plans", "Plan", [("Plans.a", "Plan.a")])
        session.editor.delete_folder("Plan")
    said = [command for command in server.heard if not command.startswith((b"LOG", b"CAP", b"STATUS"))]
    assert said == [
        b'CREATE "Plans"', b'SUBSCRIBE "Plans"',
        b'EXAMINE "INBOX"', b'RENAME "Plans" "Plan"',
        b'UNSUBSCRIBE "Plans"', b'UNSUBSCRIBE "Plans.a"', b'SUBSCRIBE "Plan"', b'SUBSCRIBE "Plan.a"',
        b'EXAMINE "INBOX"', b'DELETE "Plan"', b'UNSUBSCRIBE "Plan"',
    ]  # fmt: skip


@pytest.mark.parametrize("answer", [b"%T NO none is selected\r\n", _DONE])
def test_no_folder_is_closed_with_an_expunge(answer: bytes) -> None:
    script = _WILLING | {"CAPABILITY": _OFFER % b"UNSELECT", "UNSELECT": answer}
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        session.editor.delete_folder("Plans")
    assert [command for command in server.heard if command.startswith((b"CLOSE", b"EXAMINE", b"UNSELECT"))] == [
        b"UNSELECT"
    ]


@pytest.mark.parametrize(
    ("status", "made"),
    [
        (b'* STATUS "Plans" (MESSAGES 0 UIDNEXT 4 UIDVALIDITY 7)\r\n', NewFolder(7, 4)),
        (b'* STATUS "Plans" (MESSAGES 3 UIDNEXT 4 UIDVALIDITY 7)\r\n', NewFolder()),
        (b'* STATUS "Plans" (MESSAGES 0)\r\n', NewFolder()),
        (b"* STATUS Plans NIL\r\n", NewFolder()),
        (b"", NewFolder()),
    ],
)
def test_what_a_new_folder_begins_with_is_believed_where_it_is_empty(status: bytes, made: NewFolder) -> None:
    with (
        ScriptedServer(_WILLING | {"STATUS": status + _DONE}) as server,
        MailSession.open(server.login) as session,
    ):
        assert session.editor.create_folder("Plans") == made


@pytest.mark.parametrize(
    ("told", "prefix"),
    [
        (b'(("INBOX." ".")) NIL NIL', "INBOX."),
        (b'(("" "/")) NIL (("Public/" "/"))', ""),
        (b"NIL NIL NIL", ""),
        (b"((NIL NIL)) NIL NIL", ""),
        (b"(()) NIL NIL", ""),
        (b"INBOX.", ""),
    ],
)
def test_the_prefix_of_all_names_is_what_the_server_says(told: bytes, prefix: str) -> None:
    script = {"CAPABILITY": _OFFER % b"NAMESPACE", "NAMESPACE": b"* NAMESPACE %s\r\n%%T OK done\r\n" % told}
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        assert session.editor.personal_prefix() == prefix


def test_a_server_that_hangs_up_at_it_is_a_connection_that_failed() -> None:
    with (
        ScriptedServer({"DELETE": DROP}) as server,
        MailSession.open(server.login) as session,
        pytest.raises(ConnectionFailed),
    ):
        session.editor.delete_folder("Plans")
