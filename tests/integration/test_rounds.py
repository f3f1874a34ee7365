"""The logs of many accounts as one feed: nothing is missed, whatever is being written, and each log is in order."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import Account, Application
from mail import changes, rounds
from mail.models import MarkOffset, Transaction
from mail.rounds import BEGINNING, Entry, Place
from tests.integration.factories import make_account, make_application

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def application() -> Application:
    return make_application()


def append(account: Account, count: int = 1, kind: str = "message") -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        changes.append(cursor, account.pk, [(kind, uuid4(), "created")] * count)


def seqs(entries: Sequence[Entry]) -> dict[UUID, list[int]]:
    found: defaultdict[UUID, list[int]] = defaultdict(list)
    for entry in entries:
        found[entry.account_id].append(entry.change.seq)
    return dict(found)


def read_all(
    application: Application, place: Place, limit: int, types: Sequence[str] | None = None
) -> tuple[list[Entry], Place]:
    """Page by page, until there is no more: other transactions of the server may keep it incomplete for a while."""
    found: list[Entry] = []
    while True:
        page = rounds.read(application.pk, place, limit, types)
        found += page.entries
        place = page.place
        if not page.entries and not page.pending:
            return found, place


@pytest.mark.parametrize("limit", [1, 3, 7, 1000])
def test_pages_of_any_size_have_each_entry_once_and_in_order(application: Application, limit: int) -> None:
    accounts = [make_account(application) for _ in range(4)]
    append(make_account(), 5)  # another application's
    for count in (2, 1, 5):
        for account in accounts:
            append(account, count)
    found, place = read_all(application, BEGINNING, limit)
    assert seqs(found) == {account.pk: list(range(1, 9)) for account in accounts}
    assert [entry.account_id for entry in found] == sorted(entry.account_id for entry in found)
    append(accounts[1], 3)
    append(accounts[3])
    found, place = read_all(application, place, limit)
    assert seqs(found) == {accounts[1].pk: [9, 10, 11], accounts[3].pk: [9]}
    assert read_all(application, place, limit)[0] == []


def test_every_place_on_the_way_is_one_to_go_on_from(application: Application) -> None:
    accounts = [make_account(application) for _ in range(3)]
    for account in accounts:
        append(account, 3)
    whole, _place = read_all(application, BEGINNING, 100)
    append(accounts[0], 2)  # it comes after all of the round that was begun
    for number, entry in enumerate(whole, start=1):
        rest, _place = read_all(application, entry.place, 100)
        assert [each.change for each in rest][: len(whole) - number] == [each.change for each in whole[number:]]
        assert seqs(rest)[accounts[0].pk][-2:] == [4, 5]


def test_what_commits_late_is_not_missed(application: Application) -> None:
    slow, quick = make_account(application), make_account(application)
    begun, go = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            changes.append(cursor, slow.pk, [("message", uuid4(), "created")])
            begun.set()
            go.wait(20)
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    begun.wait(20)
    append(quick)  # after the slow one began, and committed before it
    page = rounds.read(application.pk, BEGINNING, 10)
    assert (page.entries, page.pending) == ([], True)
    go.set()
    writer.join()
    found, _place = read_all(application, page.place, 10)
    assert seqs(found) == {slow.pk: [1], quick.pk: [1]}


def test_marks_never_fall_within_an_account(application: Application) -> None:
    """A transaction that began first may write to an account's log last."""
    account = make_account(application)
    begun, go = threading.Event(), threading.Event()

    def write() -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT pg_current_xact_id()")
            begun.set()
            go.wait(20)
            changes.append(cursor, account.pk, [("message", uuid4(), "created")])
        connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    begun.wait(20)
    append(account)
    go.set()
    writer.join()
    marks = Transaction.objects.filter(account=account).order_by("seq").values_list("mark", flat=True)
    assert marks[0] == marks[1]
    found, _place = read_all(application, BEGINNING, 1)
    assert seqs(found) == {account.pk: [1, 2]}


def test_readers_miss_nothing_while_many_write(application: Application) -> None:
    accounts = [make_account(application) for _ in range(5)]
    stop = threading.Event()

    def write(seed: int) -> None:
        chance = random.Random(seed)
        while not stop.is_set():
            with transaction.atomic(), connection.cursor() as cursor:
                if chance.random() < 0.5:
                    cursor.execute("SELECT pg_current_xact_id()")
                    time.sleep(chance.random() * 0.01)
                account = chance.choice(accounts)
                changes.append(cursor, account.pk, [("message", uuid4(), "created")] * chance.randint(1, 4))
                time.sleep(chance.random() * 0.01)
        connection.close()

    writers = [threading.Thread(target=write, args=[seed]) for seed in range(6)]
    for writer in writers:
        writer.start()
    chance, place = random.Random(9), BEGINNING
    found: list[Entry] = []
    deadline = time.monotonic() + 6
    while time.monotonic() < deadline:
        page = rounds.read(application.pk, place, chance.choice([1, 5, 50]))
        found += page.entries
        place = page.place
    stop.set()
    for writer in writers:
        writer.join()
    found += read_all(application, place, 50)[0]
    ends = dict(Account.objects.filter(application=application).values_list("pk", "log_seq"))
    assert seqs(found) == {account: list(range(1, end + 1)) for account, end in ends.items()}
    assert len(found) > 500


def test_types_are_chosen_and_the_place_passes_the_others(application: Application) -> None:
    account = make_account(application)
    append(account, 3, "thread")
    append(account, 1, "grant")
    append(account, 3, "thread")
    found, place = read_all(application, BEGINNING, 5, ["grant"])
    assert [entry.change.seq for entry in found] == [4]
    assert read_all(application, place, 5)[0] == []


def test_the_feeds_end_is_a_place_that_has_nothing_after_it(application: Application) -> None:
    account = make_account(application)
    append(account, 3)
    read_all(application, BEGINNING, 5)  # all is complete
    place = rounds.latest()
    assert read_all(application, place, 5)[0] == []
    append(account)
    assert seqs(read_all(application, place, 5)[0]) == {account.pk: [4]}


def test_a_place_of_which_entries_are_expired_is_told_so(application: Application) -> None:
    accounts = [make_account(application) for _ in range(2)]
    append(accounts[0], 2)
    _found, before = read_all(application, BEGINNING, 10)
    for account in accounts:
        append(account, 2)
    _found, after = read_all(application, before, 10)
    Transaction.objects.filter(account=accounts[0], seq__lte=3).update(created_at=timezone.now() - timedelta(days=40))
    Account.objects.filter(application=application).update(search_seq=9)
    changes.expire_all(timezone.now() - changes.AGE)
    with pytest.raises(changes.CursorExpired):
        rounds.read(application.pk, before, 10)
    append(accounts[0])
    assert seqs(read_all(application, after, 10)[0]) == {accounts[0].pk: [5]}
    assert seqs(read_all(application, BEGINNING, 10)[0]) == {accounts[0].pk: [4, 5], accounts[1].pk: [1, 2]}


def test_a_log_that_expired_whole_is_told_to_who_had_not_read_it(application: Application) -> None:
    account = make_account(application)
    append(account)
    _found, before = read_all(application, BEGINNING, 10)
    append(account, 2)
    Account.objects.update(search_seq=9)
    changes.expire_all(timezone.now() + timedelta(days=1))
    with pytest.raises(changes.CursorExpired):
        rounds.read(application.pk, before, 10)
    assert read_all(application, rounds.latest(), 10)[0] == []


def test_marks_go_on_in_a_database_that_was_restored_from_a_dump(application: Application) -> None:
    account = make_account(application)
    Account.objects.filter(pk=account.pk).update(log_mark=10**12)  # of a server that had done more
    place = Place(10**12)
    append(account)
    assert rounds.read(application.pk, place, 10).entries == []
    rounds.align()
    append(account)
    found, _place = read_all(application, place, 10)
    assert seqs(found) == {account.pk: [2]}
    offset = MarkOffset.objects.get().value
    rounds.align()
    assert MarkOffset.objects.get().value == offset


def test_more_accounts_than_are_looked_at_together(application: Application) -> None:
    accounts = [make_account(application) for _ in range(120)]
    for account in accounts:
        append(account, 2)
    found, _place = read_all(application, BEGINNING, 100)
    assert seqs(found) == {account.pk: [1, 2] for account in accounts}
