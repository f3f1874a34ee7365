"""MailSession against a real server, on each strategy."""

from datetime import UTC, datetime

import pytest

from mail.imap.session import MailSession
from mail.types import ConnectionFailed, FolderVanished, SyncPoint
from tests.mailboxes import Mailbox, MailboxFactory

_WHEN = datetime(2024, 2, 29, 12, 30, 45, tzinfo=UTC)
_MAILS = [
    b"Subject: plain\r\n\r\nbody\r\n",
    b"Subject: 8-bit \xe4\xf6\xfc\r\n\r\n\xff\xfe no NUL but all else \x01\x7f\r\n",
    b"Subject: looks like IMAP\r\n\r\n)\r\n* BYE\r\nF3 OK done\r\n* 1 FETCH (UID 1 BODY[] {3}\r\n",
    b"no header at all",
    b"\r\n",
]


def _point(session: MailSession, folder: str = "INBOX") -> SyncPoint:
    chosen = session.select(folder)
    return SyncPoint(chosen.uidvalidity, chosen.highestmodseq, chosen.uidnext)


def test_the_strategy_follows_the_capabilities(mailbox: Mailbox, strategy: str) -> None:
    with MailSession.open(mailbox.login) as session:
        assert session.strategy == strategy


def test_all_folders_are_listed_with_names_roles_and_counts(mailbox: Mailbox, strategy: str) -> None:
    with mailbox.client() as client:
        for name in ("Entwürfe", "A/B & C", "INBOX.日本語", "Sent", "Junk"):
            client.create_folder(name)
        client.append("Entwürfe", _MAILS[0], [b"\\Seen"])
        client.append("Entwürfe", _MAILS[1])
    with MailSession.open(mailbox.login) as session:
        found = {each.name: each for each in session.folders()}
    assert set(found) == {"INBOX", "Entwürfe", "A", "A/B & C", "INBOX.日本語", "Sent", "Junk"}
    assert {name: each.role for name, each in found.items() if each.role} == {
        "INBOX": "inbox", "Entwürfe": "drafts", "Sent": "sent", "Junk": "junk",
    }  # fmt: skip
    drafts = found["Entwürfe"]
    assert (drafts.wire_name, drafts.messages, drafts.unseen, drafts.uidnext) == ("Entw&APw-rfe", 2, 1, 3)
    assert drafts.uidvalidity
    assert (drafts.highestmodseq is None) == (strategy == "full")
    assert [name for name, each in found.items() if not each.selectable] == ["A"]
    assert found["A"].messages is None


def test_folders_are_learned_in_one_command_or_one_volley(mailbox: Mailbox, strategy: str) -> None:
    with mailbox.client() as client:
        for number in range(120):
            client.create_folder(f"Folder {number}")
    with MailSession.open(mailbox.login) as session:
        found = session.folders()
    assert len(found) == 121
    assert all(each.messages == 0 for each in found)


def test_a_selection_tells_where_the_folder_stands(mailbox: Mailbox, strategy: str) -> None:
    with mailbox.client() as client:
        client.append("INBOX", _MAILS[0])
        state = client.folder_status("INBOX")
    with MailSession.open(mailbox.login) as session:
        chosen = session.select("INBOX")
    assert (chosen.uidvalidity, chosen.uidnext, chosen.exists) == (state[b"UIDVALIDITY"], 2, 1)
    assert (chosen.highestmodseq > 0) == (strategy != "full")
    assert not chosen.resynced


def test_reading_leaves_mail_unread_and_recent(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.append("INBOX", _MAILS[0])
    with MailSession.open(mailbox.login) as session:
        session.select("INBOX")
        assert [each.flags for each in session.bodies([1])] == [frozenset()]
    with mailbox.client() as client:
        client.select_folder("INBOX", readonly=True)
        assert client.get_flags([1]) == {1: (b"\\Recent",)}


def test_a_resync_tells_what_changed_went_and_came(mailbox: Mailbox, strategy: str) -> None:
    with mailbox.client() as client, MailSession.open(mailbox.login) as session:
        for mail in _MAILS:
            client.append("INBOX", mail)
        since = _point(session)
        client.select_folder("INBOX")
        client.add_flags([2], [b"\\Flagged", b"$Work"])
        client.delete_messages([3])
        client.expunge([3])
        client.append("INBOX", _MAILS[0])
        chosen = session.select("INBOX", since)
        assert (chosen.exists, chosen.uidnext) == (5, 7)
        assert chosen.resynced == (strategy == "qresync")
        assert chosen.vanished == (frozenset({3}) if chosen.resynced else frozenset())
        changes = session.changes(since) if strategy != "full" else None
        assert session.uids(1) == [1, 2, 4, 5, 6]
        assert session.flags(1, 5) == {
            1: frozenset(), 2: frozenset({"\\Flagged", "$Work"}), 4: frozenset(), 5: frozenset(),
        }  # fmt: skip
    if changes is not None:
        assert changes.flags[2] == {"\\Flagged", "$Work"}
        assert not {1, 4, 5} & set(changes.flags)
        assert changes.vanished == chosen.vanished
    if chosen.resynced:
        assert chosen.flags[2] == {"\\Flagged", "$Work"}


def test_after_a_uidvalidity_reset_nothing_is_resynced(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.append("INBOX", _MAILS[0])
    with MailSession.open(mailbox.login) as session:
        since = _point(session)
    mailbox.server.reset_uidvalidity(mailbox.user, "INBOX")
    with MailSession.open(mailbox.login) as session:
        chosen = session.select("INBOX", since)
        assert chosen.uidvalidity == since.uidvalidity + 1
        assert not chosen.resynced


def test_an_empty_folder_has_nothing(mailbox: Mailbox) -> None:
    with MailSession.open(mailbox.login) as session:
        since = _point(session)
        assert (since.uidnext, session.uids(1), session.flags(1, 100), session.entries([1, 2])) == (1, [], {}, [])
        assert session.changes(since).flags == {}
        assert session.select("INBOX", since).exists == 0
        assert list(session.bodies([1, 2])) == []


def test_uids_are_those_of_the_range_only(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        for mail in _MAILS:
            client.append("INBOX", mail)
    with MailSession.open(mailbox.login) as session:
        session.select("INBOX")
        assert session.uids(2, 4) == [2, 3, 4]
        assert session.uids(4) == [4, 5]
        assert session.uids(6) == []  # "6:*" means the last message to a server
        assert set(session.flags(4, 9)) == {4, 5}


def test_entries_have_sizes_and_flags_and_leave_out_what_is_not_there(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.append("INBOX", _MAILS[0], [b"\\Seen"])
        client.append("INBOX", _MAILS[1])
    with MailSession.open(mailbox.login) as session:
        session.select("INBOX")
        entries = session.entries([1, 2, 77])
    assert [(each.uid, each.size, each.flags) for each in entries] == [
        (1, len(_MAILS[0]), {"\\Seen"}),
        (2, len(_MAILS[1]), frozenset()),
    ]


def test_bodies_come_octet_by_octet_with_flags_and_date(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        for mail in _MAILS:
            client.append("INBOX", mail, [b"\\Answered"], _WHEN)
    with MailSession.open(mailbox.login) as session:
        session.select("INBOX")
        fetched = list(session.bodies([5, 4, 3, 2, 1, 99]))
        assert session.uids(1) == [1, 2, 3, 4, 5], "the connection is in step"
    assert {each.uid: each.raw for each in fetched} == dict(enumerate(_MAILS, 1))
    assert {(each.flags, each.received_at, each.complete) for each in fetched} == {
        (frozenset({"\\Answered"}), _WHEN, True)
    }


def test_a_mail_with_bare_line_feeds_is_what_another_client_sees(mailbox: Mailbox) -> None:
    mail = b"Subject: unix\nFrom: a@b\n\nline\nline\r\n"
    with mailbox.client() as client:
        client.append("INBOX", mail)
        client.select_folder("INBOX", readonly=True)
        seen = client.fetch([1], ["BODY.PEEK[]"])[1][b"BODY[]"]
    with MailSession.open(mailbox.login) as session:
        session.select("INBOX")
        assert [each.raw for each in session.bodies([1])] == [seen]


def test_a_mail_of_five_megabytes_arrives_whole(mailbox_factory: MailboxFactory) -> None:
    box = mailbox_factory("qresync")
    mail = b"Subject: big\r\n\r\n" + b"0123456789 abcdefghij\r\n" * 220_000
    with box.client() as client:
        client.append("INBOX", mail)
    with MailSession.open(box.login) as session:
        session.select("INBOX")
        (fetched,) = session.bodies([1])
    assert fetched.size == len(mail)
    assert fetched.raw == mail


def test_headers_alone_can_be_had(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.append("INBOX", _MAILS[0])
    with MailSession.open(mailbox.login) as session:
        session.select("INBOX")
        (fetched,) = session.bodies([1], headers_only=True)
    assert (fetched.raw, fetched.complete, fetched.size) == (b"Subject: plain\r\n\r\n", False, len(_MAILS[0]))


def test_more_uids_than_a_command_line_holds_are_asked_for_in_several(mailbox_factory: MailboxFactory) -> None:
    box = mailbox_factory("qresync")
    with box.client() as client:
        for _ in range(3):
            client.append("INBOX", _MAILS[0])
    with MailSession.open(box.login) as session:
        session.select("INBOX")
        uids = [1, 2, 3, *range(1_000_000, 1_010_000, 2)]
        assert [each.uid for each in session.entries(uids)] == [1, 2, 3]
        assert [each.uid for each in session.bodies(uids)] == [1, 2, 3]


def test_stopping_half_way_closes_the_connection(mailbox_factory: MailboxFactory) -> None:
    box = mailbox_factory("qresync")
    with box.client() as client:
        for mail in _MAILS:
            client.append("INBOX", mail)
    with MailSession.open(box.login) as session:
        session.select("INBOX")
        messages = session.bodies([1, 2, 3])
        assert next(messages).uid == 1
        with pytest.raises(ConnectionFailed, match="closed"):
            session.uids(1)
        with pytest.raises(ConnectionFailed):
            list(messages)


def test_a_deleted_folder_is_gone(mailbox: Mailbox) -> None:
    with MailSession.open(mailbox.login) as session:
        with pytest.raises(FolderVanished, match="Entwürfe"):
            session.select("Entw&APw-rfe")
        assert session.select("INBOX").exists == 0, "the others go on"
