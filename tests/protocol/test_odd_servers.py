"""Servers that do what Dovecot would not: broken off, out of turn, half supported."""

from dataclasses import replace

import pytest

from mail.imap.session import MailSession
from mail.types import ConnectionFailed, Fetched, FolderFailed, FolderVanished, MailError, SyncPoint
from tests.mailboxes import MailboxFactory
from tests.protocol.scripted import DROP, STALL, ScriptedServer, cut_after

_FIRST = b'* 1 FETCH (UID 1 FLAGS () INTERNALDATE "01-Feb-2026 00:00:00 +0000" RFC822.SIZE 3 BODY[] {3}\r\nabc)\r\n'


def _capable(*names: str) -> bytes:
    return b"* CAPABILITY IMAP4rev1 " + " ".join(names).encode() + b"\r\n%T OK done\r\n"


@pytest.mark.parametrize("octets", [2_000, 100_000, 150_000])
def test_a_line_that_breaks_within_a_body_yields_whole_bodies_only(
    mailbox_factory: MailboxFactory, octets: int
) -> None:
    box = mailbox_factory("qresync")
    mail = b"Subject: x\r\n\r\n" + b"y" * 80_000
    with box.client() as client:
        for _ in range(3):
            client.append("INBOX", mail)
    came: list[Fetched] = []
    with cut_after(octets, box.port) as port, MailSession.open(replace(box.login, port=port)) as session:
        session.select("INBOX")
        with pytest.raises(ConnectionFailed, match="dropped"):
            came.extend(session.bodies([1, 2, 3]))
    assert all(each.raw == mail for each in came)


def test_what_came_before_the_line_broke_is_yielded() -> None:
    with (
        ScriptedServer({"UID FETCH": _FIRST + b"* 2 FETCH (UID 2 BODY[] {100}\r\nhalf" + DROP}) as server,
        MailSession.open(server.login) as session,
    ):
        session.select("INBOX")
        messages = session.bodies([1, 2])
        assert next(messages).raw == b"abc"
        with pytest.raises(ConnectionFailed, match="dropped"):
            next(messages)


def test_what_came_before_a_refusal_is_yielded_and_the_session_goes_on() -> None:
    script = {"UID FETCH": _FIRST + b"%T NO [UNAVAILABLE] disk\r\n", "UID SEARCH": b"* SEARCH 1 2\r\n%T OK done\r\n"}
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        messages = session.bodies([1, 2])
        assert next(messages).uid == 1
        with pytest.raises(FolderFailed, match="INBOX: disk") as failed:
            next(messages)
        assert not failed.value.permanent
        assert session.uids(1) == [1, 2]


def test_a_missing_message_is_no_missing_folder() -> None:
    with (
        ScriptedServer({"UID FETCH": b"%T NO No such message\r\n"}) as server,
        MailSession.open(server.login) as session,
    ):
        session.select("INBOX")
        with pytest.raises(FolderFailed) as failed:
            session.entries([1])
    assert type(failed.value) is FolderFailed


def test_a_server_that_falls_silent_is_given_up() -> None:
    with (
        ScriptedServer({"UID FETCH": b"* 1 FETCH (UID 1 BODY[] {9}\r\nab" + STALL}) as server,
        MailSession.open(server.login, timeout=0.2) as session,
    ):
        session.select("INBOX")
        with pytest.raises(ConnectionFailed, match=r"within 0\.2 seconds"):
            list(session.bodies([1]))


def test_a_goodbye_is_quoted() -> None:
    with (
        ScriptedServer({"UID FETCH": b"* BYE Server shutting down\r\n" + DROP}) as server,
        MailSession.open(server.login) as session,
    ):
        session.select("INBOX")
        with pytest.raises(ConnectionFailed, match="Server shutting down"):
            list(session.bodies([1]))


def test_data_that_nobody_asked_for_changes_nothing() -> None:
    noise = (
        b"* 9 EXISTS\r\n* 3 EXPUNGE\r\n* 5 FETCH (FLAGS (\\Seen))\r\n* 6 FETCH (UID 8 FLAGS ())\r\n* OK [ALERT] hi\r\n"
    )
    script = {
        "UID FETCH": noise + b"* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n" + _FIRST + _FIRST + noise + b"%T OK done\r\n",
        "UID FETCH 1:5 (UID FLAGS)": noise + b"* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n%T OK done\r\n",
        "UID FETCH 1 (UID FLAGS RFC": noise
        + b"* 1 FETCH (UID 1 RFC822.SIZE 3)\r\n* 2 FETCH (UID 2 RFC822.SIZE 3)\r\n%T OK done\r\n",
        "UID SEARCH": noise + b"* SEARCH 1\r\n" + noise + b"%T OK done\r\n",
    }
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        assert [each.uid for each in session.bodies([1, 2])] == [1]
        assert session.flags(1, 5) == {1: frozenset({"\\Seen"})}
        assert [each.uid for each in session.entries([1])] == [1]
        assert session.uids(1) == [1]


def test_capabilities_are_those_after_the_login() -> None:
    script = {"LOGIN": b"%T OK [CAPABILITY IMAP4rev1 CONDSTORE XYZ] in\r\n"}
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        assert session.capabilities == {"IMAP4REV1", "CONDSTORE", "XYZ"}
        assert server.heard.count(b"CAPABILITY") == 1


def test_qresync_that_the_server_does_not_enable_is_not_used() -> None:
    script = {"CAPABILITY": _capable("ENABLE", "QRESYNC", "CONDSTORE"), "ENABLE": b"* ENABLED\r\n%T OK done\r\n"}
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        assert session.strategy == "condstore"
        session.select("INBOX", SyncPoint(5, 7, 9))
        assert server.heard[-1] == b'EXAMINE "INBOX" (CONDSTORE)'


def test_a_server_that_wants_to_know_us_is_told() -> None:
    with (
        ScriptedServer({"CAPABILITY": _capable("ID"), "ID": b"%T NO why\r\n"}) as server,
        MailSession.open(server.login) as session,
    ):
        session.select("INBOX")
        assert server.heard[-2].startswith(b'ID ("name" "Syncfarm"')


def test_a_missing_uidnext_is_asked_for() -> None:
    script = {
        "EXAMINE": b"* 3 EXISTS\r\n* OK [UIDVALIDITY 5]\r\n%T OK done\r\n",
        "STATUS": b'* STATUS "INBOX" (UIDNEXT 44)\r\n%T OK done\r\n',
    }
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        assert session.select("INBOX").uidnext == 44


def test_a_folder_without_lasting_uids_is_refused() -> None:
    with (
        ScriptedServer({"EXAMINE": b"* 3 EXISTS\r\n* OK [UIDNEXT 9]\r\n%T OK done\r\n"}) as server,
        MailSession.open(server.login) as session,
        pytest.raises(FolderFailed, match="no lasting UIDs"),
    ):
        session.select("INBOX")


@pytest.mark.parametrize(
    ("answer", "fact"),
    [
        (b"NO [NONEXISTENT] No such folder", FolderVanished),
        (b"NO Mailbox does not exist", FolderVanished),
        (b"NO [NOPERM] Does not exist for you", FolderFailed),
        (b"BAD eh", FolderFailed),
    ],
)
def test_a_refused_folder_is_gone_only_if_the_server_says_so(answer: bytes, fact: type[FolderFailed]) -> None:
    with (
        ScriptedServer({"EXAMINE": b"%T " + answer + b"\r\n"}) as server,
        MailSession.open(server.login) as session,
        pytest.raises(FolderFailed) as failed,
    ):
        session.select("INBOX")
    assert type(failed.value) is fact


def test_a_status_that_fails_leaves_the_counts_unknown() -> None:
    script = {
        "LIST": b'* LIST () "/" good\r\n* LIST () "/" bad\r\n* LIST (\\Noselect) "/" none\r\n%T OK done\r\n',
        'STATUS "good"': b"* STATUS good (MESSAGES 4 UNSEEN 1 UIDNEXT 9 UIDVALIDITY 5)\r\n%T OK done\r\n",
        'STATUS "bad"': b"%T NO [INUSE] locked\r\n",
    }
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        assert [(each.name, each.messages) for each in session.folders()] == [
            ("good", 4),
            ("bad", None),
            ("none", None),
        ]
        assert not any(b"none" in command for command in server.heard)


def test_a_listing_with_status_that_is_refused_is_asked_for_in_the_old_way() -> None:
    script = {
        "CAPABILITY": _capable("LIST-STATUS", "LIST-EXTENDED"),
        "LIST": b'* LIST () "/" INBOX\r\n%T OK done\r\n',
        'LIST "" "*" RETURN': b"%T NO [SERVERBUG] boom\r\n",
        "STATUS": b"* STATUS INBOX (MESSAGES 4)\r\n%T OK done\r\n",
    }
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        assert [(each.name, each.messages) for each in session.folders()] == [("INBOX", 4)]


def test_a_listing_that_is_refused_is_an_error_in_words() -> None:
    with (
        ScriptedServer({"LIST": b"%T NO not today\r\n"}) as server,
        MailSession.open(server.login) as session,
        pytest.raises(MailError, match="does not list the folders: not today"),
    ):
        session.folders()


@pytest.mark.parametrize("literals", ["LITERAL+", "CHILDREN"])
def test_names_with_raw_octets_are_asked_for_as_they_came(literals: str) -> None:
    script = {
        "CAPABILITY": _capable(literals),
        "LIST": b'* LIST () "/" "Entw\xfcrfe"\r\n* LIST () "/" plain\r\n%T OK done\r\n',
        "STATUS": b"* STATUS {8}\r\nEntw\xfcrfe (MESSAGES 4)\r\n%T OK done\r\n",
    }
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        folder = session.folders()[0]
        assert (folder.name, folder.wire_name, folder.messages) == ("Entwürfe", "Entw\xfcrfe", 4)
        session.select(folder.wire_name)
        assert server.heard[-1] == b"EXAMINE Entw\xfcrfe"


def test_gmails_ids_are_asked_for() -> None:
    line = b"* 1 FETCH (X-GM-THRID 12 X-GM-MSGID 34 UID 1 RFC822.SIZE 3 FLAGS () BODY[] {3}\r\nabc)\r\n%T OK done\r\n"
    script = {"CAPABILITY": _capable("X-GM-EXT-1"), "UID FETCH": line}
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        assert [(each.email_id, each.thread_id) for each in session.bodies([1])] == [("34", "12")]
        assert [(each.email_id, each.thread_id) for each in session.entries([1])] == [("34", "12")]
        assert all(b"X-GM-MSGID X-GM-THRID" in command for command in server.heard[-2:])


def test_object_ids_are_asked_for() -> None:
    line = b"* 1 FETCH (UID 1 RFC822.SIZE 3 EMAILID (M1) THREADID (T1))\r\n%T OK done\r\n"
    with (
        ScriptedServer({"CAPABILITY": _capable("OBJECTID"), "UID FETCH": line}) as server,
        MailSession.open(server.login) as session,
    ):
        session.select("INBOX")
        assert [(each.email_id, each.thread_id) for each in session.entries([1])] == [("M1", "T1")]


def test_more_uids_than_a_folder_holds_are_refused() -> None:
    script = {"CAPABILITY": _capable("ESEARCH"), "UID SEARCH": b"* ESEARCH UID ALL 1:4294967295\r\n%T OK done\r\n"}
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        with pytest.raises(FolderFailed, match="more messages"):
            session.uids(1)


def test_closing_does_not_wait_for_a_server_that_does_not_answer() -> None:
    with ScriptedServer({"LOGOUT": DROP}) as server:
        session = MailSession.open(server.login)
        session.close()
        session.close()
    assert server.heard[-1] == b"LOGOUT"
