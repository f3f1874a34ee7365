"""The server that holds a million messages as numbers, and the rows that fit it, as the mirror sees both."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from pytest_django import Settings

from accounts.models import Account
from bench import bulk, steps
from bench.mails import BenchMail
from bench.numbered import UIDVALIDITY, NumberedServer, Numbers
from mail import lease
from mail.imap.session import MailSession
from mail.mirror import sync_account
from mail.models import Folder, Location, Message, Thread, Transaction
from mail.types import Login, SyncPoint

RAW = b"Subject: New\r\nMessage-ID: <new@x>\r\n\r\nHello.\r\n"
AT = datetime(2025, 1, 2, 3, 4, 5, tzinfo=UTC)
NEW = BenchMail(RAW, (), AT)


@pytest.fixture
def numbers() -> Numbers:
    return Numbers(20)


@pytest.fixture
def server(numbers: Numbers) -> Iterator[NumberedServer]:
    with NumberedServer(numbers) as server:
        yield server


@pytest.fixture
def session(server: NumberedServer) -> Iterator[MailSession]:
    with MailSession.open(Login("127.0.0.1", server.port, "none", "any", "any", trusted=True)) as session:
        yield session


def test_the_list_tells_counts(numbers: Numbers, session: MailSession) -> None:
    numbers.expunge([3, 4])
    numbers.deliver(NEW)
    (inbox,) = session.folders()
    assert (inbox.name, inbox.messages, inbox.unseen, inbox.uidnext) == ("INBOX", 19, 1, 22)
    assert (inbox.uidvalidity, inbox.highestmodseq) == (UIDVALIDITY, 22)


def test_examine_tells_what_changed_since(numbers: Numbers, session: MailSession) -> None:
    numbers.flag(5, rb"\Flagged")
    numbers.expunge([7, 9, 8])
    selected = session.select("INBOX", SyncPoint(UIDVALIDITY, 20, 21))
    assert session.strategy == "qresync"
    assert selected.exists == 17
    assert sorted(selected.vanished) == [7, 8, 9]
    assert selected.flags == {5: {"\\Flagged"}}
    assert session.select("INBOX", SyncPoint(UIDVALIDITY, 22, 21)).vanished == frozenset()


def test_new_mail_is_handed_out(numbers: Numbers, session: MailSession) -> None:
    numbers.deliver(NEW)
    session.select("INBOX")
    assert session.uids(20) == [20, 21]
    assert [entry.size for entry in session.entries([21])] == [len(RAW)]
    (message,) = session.bodies([21])
    assert (message.raw, message.received_at, message.flags) == (RAW, AT, frozenset())


@pytest.fixture
def turn(numbers: Numbers, server: NumberedServer, settings: Settings, transactional_db: None) -> Callable[[], None]:
    """A sync of an account whose rows were loaded to fit the server."""
    settings.SYNCFARM_TRUSTED_HOSTS = ["127.0.0.1"]
    (account,) = steps.connect(str(server.port), "secret", "numbered")
    bulk.load(UUID(account), numbers.exists)

    def sync() -> None:
        result = sync_account(UUID(account), lease.claim(UUID(account)))
        assert (result.error, result.more, result.failing) == (None, False, 0)

    return sync


def test_loaded_rows_are_what_the_server_has(numbers: Numbers, turn: Callable[[], None]) -> None:
    turn()  # learns how the server describes the folder
    before = Account.objects.get().log_seq
    turn()
    assert Account.objects.get().log_seq == before
    folder = Folder.objects.get()
    assert (folder.mirrored_count, folder.uidnext, folder.highestmodseq) == (20, 21, 20)
    assert (Message.objects.count(), Location.objects.count(), Thread.objects.count()) == (20, 20, 10)
    numbers.flag(2, rb"\Flagged \Seen")
    turn()
    changed = Transaction.objects.filter(seq__gt=before).values_list("object_type", flat=True)
    assert sorted(changed) == ["message", "thread"]


def test_events_reach_loaded_rows(numbers: Numbers, turn: Callable[[], None]) -> None:
    turn()
    numbers.deliver(NEW)
    turn()
    numbers.expunge([1, 2, 11])
    turn()
    uids = set(Location.objects.values_list("uid", flat=True))
    assert uids == set(range(1, 22)) - {1, 2, 11}
    assert Message.objects.count() == numbers.exists
    assert Message.objects.get(subject="New").received_at == AT
