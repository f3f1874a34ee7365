"""The change log: dense, in commit order, expired from its old end without a hole."""

import threading
import time
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Account
from mail import changes
from mail.models import Transaction
from tests.integration.factories import make_account


@pytest.fixture
def account(transactional_db: None) -> Account:
    return make_account()


def append(account: Account, count: int = 1) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        return changes.append(cursor, account.id, [("message", uuid4(), "created")] * count)


def test_a_reader_misses_nothing_while_writers_race(account: Account) -> None:
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            with transaction.atomic(), connection.cursor() as cursor:
                changes.append(cursor, account.id, [("message", uuid4(), "created")] * 3)
                time.sleep(0.002)  # a transaction that commits late: what an auto-increment id would lose
        connection.close()

    writers = [threading.Thread(target=write) for _ in range(4)]
    for writer in writers:
        writer.start()
    seen: list[int] = []
    deadline = time.monotonic() + 30
    while len(seen) < 300 and time.monotonic() < deadline:
        seen += [change.seq for change in changes.read(account.id, seen[-1] if seen else 0, 50).changes]
    stop.set()
    for writer in writers:
        writer.join()
    assert len(seen) >= 300
    assert seen == list(range(1, len(seen) + 1))


def test_old_rows_expire_and_a_cursor_before_them_is_told_so(account: Account) -> None:
    append(account, 10)
    Transaction.objects.filter(account=account, seq__lte=6).update(created_at=timezone.now() - timedelta(days=40))
    Account.objects.filter(id=account.id).update(search_seq=10)
    changes.expire_all(timezone.now() - timedelta(days=30))
    assert [change.seq for change in changes.read(account.id, 6, 100).changes] == [7, 8, 9, 10]
    with pytest.raises(changes.CursorExpired) as expired:
        changes.read(account.id, 5, 100)
    assert expired.value.floor == 6
    assert append(account) == 11


def test_rows_that_the_search_index_has_yet_to_read_do_not_expire(account: Account) -> None:
    append(account, 10)
    Transaction.objects.filter(account=account).update(created_at=timezone.now() - timedelta(days=40))
    Account.objects.filter(id=account.id).update(search_seq=4)
    changes.expire_all(timezone.now() - timedelta(days=30))
    assert [change.seq for change in changes.read(account.id, 4, 100).changes] == [5, 6, 7, 8, 9, 10]


def test_a_log_that_expired_whole_goes_on_counting(account: Account) -> None:
    append(account, 3)
    Transaction.objects.filter(account=account).update(created_at=timezone.now() - timedelta(days=40))
    Account.objects.filter(id=account.id).update(search_seq=3)
    changes.expire_all(timezone.now() - timedelta(days=30))
    assert changes.read(account.id, 3, 100) == changes.Page([], 3, 3)
    assert append(account) == 4
    assert [change.seq for change in changes.read(account.id, 3, 100).changes] == [4]


def test_a_cursor_ahead_of_the_log_is_refused(account: Account) -> None:
    append(account, 3)
    with pytest.raises(changes.CursorInvalid, match="ahead of the log"):
        changes.read(account.id, 4, 100)


def test_an_append_that_is_rolled_back_leaves_no_hole(account: Account) -> None:
    append(account)
    with transaction.atomic():
        append(account)
        transaction.set_rollback(True)
    assert append(account) == 2


def test_an_object_made_and_changed_at_once_is_one_entry() -> None:
    one, other = uuid4(), uuid4()
    assert changes.distinct(
        [
            ("thread", one, "created"),
            ("thread", one, "updated"),
            ("message", other, "updated"),
            ("message", other, "deleted"),
        ]
    ) == [("thread", one, "created"), ("message", other, "deleted")]
