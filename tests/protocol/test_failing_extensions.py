"""Servers that advertise an extension and fail at it: another way is taken at once, and the failure is told."""

import pytest

from mail.imap.session import MailSession
from mail.types import FolderFailed, FolderVanished, SyncPoint
from tests.protocol.scripted import ScriptedServer

_SINCE = SyncPoint(5, 7, 9)
_STATE = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 5]\r\n* OK [UIDNEXT 9]\r\n* OK [HIGHESTMODSEQ 12]\r\n"
_CHANGED = b"* 1 FETCH (UID 2 FLAGS (\\Seen) MODSEQ (11))\r\n"
_SELECTED = _STATE + b"%T OK done\r\n"
_BAD = b"%T BAD syntax\r\n"
_NO = b"%T NO cannot\r\n"
_LIST = b'* LIST () "/" INBOX\r\n* LIST () "/" Sent\r\n%T OK done\r\n'


def _server(script: dict[str, bytes], *offered: str) -> ScriptedServer:
    words = " ".join(["IMAP4rev1", *offered]).encode()
    return ScriptedServer(
        {
            "CAPABILITY": b"* CAPABILITY " + words + b"\r\n%T OK done\r\n",
            "ENABLE": b"* ENABLED QRESYNC CONDSTORE\r\n%T OK done\r\n",
            "EXAMINE": _SELECTED,
            **script,
        }
    )


@pytest.mark.parametrize("refusal", [_BAD, _NO])
def test_a_refused_qresync_parameter_gives_way_to_condstore(refusal: bytes) -> None:
    script = {
        'EXAMINE "INBOX" (QRESYNC': refusal,
        "UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 7)": _CHANGED + b"%T OK done\r\n",
    }
    with _server(script, "ENABLE", "QRESYNC", "CONDSTORE") as server, MailSession.open(server.login) as session:
        chosen = session.select("INBOX", _SINCE)
        assert (chosen.uidnext, chosen.highestmodseq, chosen.resynced) == (9, 12, False)
        assert session.strategy == "condstore"
        assert session.changes(_SINCE).flags == {2: frozenset({"\\Seen"})}
        assert session.failed == {"QRESYNC"}
        session.select("INBOX", _SINCE)
        assert server.heard[-1] == b'EXAMINE "INBOX" (CONDSTORE)', "it is not tried twice"


@pytest.mark.parametrize("refusal", [_BAD, _NO])
def test_a_refused_condstore_parameter_gives_way_to_a_plain_examine(refusal: bytes) -> None:
    with (
        _server({'EXAMINE "INBOX" (': refusal}, "CONDSTORE") as server,
        MailSession.open(server.login) as session,
    ):
        chosen = session.select("INBOX", _SINCE)
        assert (chosen.uidnext, chosen.highestmodseq) == (9, 0), "a MODSEQ that it cannot be asked by is of no use"
        assert (session.strategy, session.failed) == ("full", frozenset({"CONDSTORE"}))


def test_a_refused_vanished_modifier_gives_way_to_changedsince() -> None:
    script = {
        "UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 7 VANISHED)": _BAD,
        "UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE 7)": _CHANGED + b"%T OK done\r\n",
    }
    with _server(script, "ENABLE", "QRESYNC", "CONDSTORE") as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        assert session.changes(_SINCE).flags == {2: frozenset({"\\Seen"})}
        assert session.failed == {"QRESYNC"}


def test_a_refused_changedsince_gives_way_to_all_flags() -> None:
    script = {
        "UID FETCH 1:* (UID FLAGS) (CHANGEDSINCE": _NO,
        "UID FETCH 1:* (UID FLAGS)": b"* 1 FETCH (UID 2 FLAGS (\\Seen))\r\n* 2 FETCH (UID 3 FLAGS ())\r\n%T OK done\r\n",
    }
    with _server(script, "CONDSTORE") as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        assert session.changes(_SINCE).flags == {2: frozenset({"\\Seen"}), 3: frozenset()}
        assert (session.strategy, session.failed) == ("full", frozenset({"CONDSTORE"}))


def test_a_refused_extended_search_gives_way_to_a_plain_one() -> None:
    script = {"UID SEARCH": b"* SEARCH 3 1\r\n%T OK done\r\n", "UID SEARCH RETURN": _BAD}
    with _server(script, "ESEARCH") as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        assert [session.uids(1), session.uids(1)] == [[1, 3], [1, 3]]
        assert session.failed == {"ESEARCH"}
        assert server.heard.count(b"UID SEARCH RETURN (ALL) UID 1:*") == 1


def test_refused_object_ids_are_done_without() -> None:
    line = b"* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 3 BODY[] {3}\r\nabc)\r\n%T OK done\r\n"
    script = {"UID FETCH": line, "UID FETCH 1 (UID FLAGS RFC822.SIZE EMAILID": _BAD}
    with _server(script, "OBJECTID") as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        assert [(each.uid, each.email_id) for each in session.entries([1])] == [(1, "")]
        assert [each.raw for each in session.bodies([1])] == [b"abc"]
        assert session.failed == {"OBJECTID"}
        assert b"EMAILID" not in server.heard[-1]


@pytest.mark.parametrize("refusal", [_BAD, _NO])
def test_a_refused_list_with_status_gives_way_to_a_volley(refusal: bytes) -> None:
    script = {"LIST": _LIST, 'LIST "" "*" RETURN': refusal, "STATUS": b"* STATUS INBOX (MESSAGES 4)\r\n%T OK done\r\n"}
    with _server(script, "LIST-STATUS", "LIST-EXTENDED") as server, MailSession.open(server.login) as session:
        assert [each.messages for each in session.folders()] == [4, None]
        assert session.failed == {"LIST-STATUS"}
        session.folders()
        assert sum(words.startswith(b'LIST "" "*" RETURN') for words in server.heard) == 1


def test_a_list_with_status_that_fails_at_one_locked_folder_is_no_failing_extension() -> None:
    script = {
        "LIST": _LIST,
        'LIST "" "*" RETURN': _NO,
        "STATUS": b"* STATUS INBOX (MESSAGES 4)\r\n%T OK done\r\n",
        'STATUS "Sent"': b"%T NO [INUSE] locked\r\n",
    }
    with _server(script, "LIST-STATUS", "LIST-EXTENDED") as server, MailSession.open(server.login) as session:
        assert [each.messages for each in session.folders()] == [4, None]
        assert session.failed == frozenset()


def test_a_refused_special_use_gives_way_to_a_plain_list() -> None:
    script = {"LIST": _LIST, 'LIST "" "*" RETURN': _BAD, "STATUS": b"%T NO\r\n"}
    with _server(script, "SPECIAL-USE", "LIST-EXTENDED") as server, MailSession.open(server.login) as session:
        assert [each.name for each in session.folders()] == ["INBOX", "Sent"]
        assert session.failed == {"SPECIAL-USE"}


@pytest.mark.parametrize(
    ("refused", "failed"), [("MAILBOXID", {"OBJECTID"}), ("HIGHESTMODSEQ", {"OBJECTID", "CONDSTORE"})]
)
def test_status_items_that_are_refused_are_done_without(refused: str, failed: set[str]) -> None:
    items = ["MESSAGES UNSEEN UIDNEXT UIDVALIDITY", " HIGHESTMODSEQ", " MAILBOXID"]
    script = {"LIST": _LIST}
    for name in ("INBOX", "Sent"):
        for count in range(3):
            asked = "".join(items[: count + 1])
            told = b'* STATUS "%s" (MESSAGES 4)\r\n%%T OK done\r\n' % name.encode()
            script[f'STATUS "{name}" ({asked})'] = _BAD if refused in asked else told
    with _server(script, "OBJECTID", "CONDSTORE") as server, MailSession.open(server.login) as session:
        assert [each.messages for each in session.folders()] == [4, 4]
        assert session.failed == failed


def test_a_literal_that_is_not_waited_for_and_refused_is_sent_again_after_a_go_ahead() -> None:
    """The server takes the literal for a command of its own, and complains about that too."""
    script = {
        "LIST": b'* LIST () "/" "Entw\xfcrfe"\r\n* LIST () "/" plain\r\n%T OK done\r\n',
        "STATUS": b"* STATUS plain (MESSAGES 2)\r\n%T OK done\r\n",
        "STATUS {8+}": _BAD,
        "Entw": b"* BAD what?\r\n",
        "STATUS Entw": b'* STATUS "Entw\xfcrfe" (MESSAGES 4)\r\n%T OK done\r\n',
    }
    with _server(script, "LITERAL+") as server:
        server.literal_plus = False
        with MailSession.open(server.login) as session:
            assert [each.messages for each in session.folders()] == [4, 2]
            assert session.failed == {"LITERAL+"}
            session.select("Entw\xfcrfe")
            assert server.heard[-1] == b"EXAMINE Entw\xfcrfe"


def test_what_a_server_is_known_to_fail_at_is_not_tried() -> None:
    offered = ("ENABLE", "QRESYNC", "CONDSTORE", "ESEARCH", "LIST-STATUS", "OBJECTID", "LITERAL+")
    script = {
        "LIST": _LIST,
        "STATUS": b"* STATUS INBOX (MESSAGES 4)\r\n%T OK done\r\n",
        "UID SEARCH": b"* SEARCH\r\n%T OK done\r\n",
        "UID FETCH": b"%T OK done\r\n",
    }
    with (
        _server(script, *offered) as server,
        MailSession.open(server.login, without=frozenset(offered[1:])) as session,
    ):
        session.folders()
        session.select("INBOX", _SINCE)
        session.select("Entw\xfcrfe")
        assert (session.uids(1), session.entries([1]), session.strategy) == ([], [], "full")
        assert session.failed == frozenset()
        assert session.capabilities == {"IMAP4REV1", *offered}
        told = b"\n".join(words for words in server.heard if not words.startswith(b"ENABLE"))
        for word in (b"RETURN", b"QRESYNC", b"CONDSTORE", b"HIGHESTMODSEQ", b"MAILBOXID", b"EMAILID", b"{8+}"):
            assert word not in told


@pytest.mark.parametrize(
    ("answer", "fact"),
    [
        (b"%T NO [UNAVAILABLE] later\r\n", FolderFailed),
        (b"%T NO [OVERQUOTA] full\r\n", FolderFailed),
        (b"%T NO [NOPERM] not yours\r\n", FolderFailed),
        (b"%T NO [NONEXISTENT] gone\r\n", FolderVanished),
        (b"%T NO Mailbox does not exist\r\n", FolderVanished),
    ],
)
def test_a_refusal_about_the_folder_is_not_the_extensions_fault(answer: bytes, fact: type[FolderFailed]) -> None:
    with _server({"EXAMINE": answer}, "CONDSTORE") as server, MailSession.open(server.login) as session:
        with pytest.raises(fact):
            session.select("INBOX")
        assert session.failed == frozenset()
        assert sum(words.startswith(b"EXAMINE") for words in server.heard) == 1


def test_a_folder_that_is_refused_in_every_way_is_not_the_extensions_fault() -> None:
    with (
        _server({"EXAMINE": _NO}, "ENABLE", "QRESYNC", "CONDSTORE") as server,
        MailSession.open(server.login) as session,
    ):
        with pytest.raises(FolderFailed, match="cannot"):
            session.select("INBOX", _SINCE)
        assert session.failed == frozenset()
        assert session.strategy == "qresync"
