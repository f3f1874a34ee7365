"""Watchers share the accounts, take over from one that died, and let go of what is not live any more."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account, Watcher, WatchMode
from mail import intent
from mail.models import LogEntry
from mail.watch import claims
from mail.watch.standing import Standing, standing_of
from tests.integration.factories import make_account, make_application

pytestmark = pytest.mark.django_db(transaction=True)
ANN, BOB = uuid4(), uuid4()
MANY = 10_000


def accounts(count: int) -> list[Account]:
    application = make_application()
    return [make_account(application) for _ in range(count)]


def tick(*watchers: UUID, capacity: int = MANY) -> list[int]:
    return [len(claims.tick(watcher, capacity)) for watcher in watchers]


def die(watcher: UUID) -> None:
    Watcher.objects.filter(id=watcher).update(expires_at=timezone.now() - timedelta(seconds=1))


def test_one_watcher_takes_all_that_are_live() -> None:
    (live,) = accounts(1)
    for state in ("connecting", "initial", "paused", "invalid", "error"):
        make_account(state=state)
    make_account(removed_at=timezone.now())
    assert list(claims.tick(ANN, MANY)) == [live.pk]


def test_a_second_watcher_gets_its_half_and_they_come_to_rest() -> None:
    accounts(11)
    assert tick(ANN) == [11]
    for _ in range(3):
        tick(BOB, ANN)
    held = [claims.tick(watcher, MANY) for watcher in (ANN, BOB)]
    assert sorted(map(len, held)) == [5, 6]
    assert not held[0].keys() & held[1].keys()
    assert [claims.tick(watcher, MANY) for watcher in (ANN, BOB)] == held


def test_what_a_dead_watcher_held_is_taken_over() -> None:
    accounts(6)
    for _ in range(4):
        tick(ANN, BOB)
    die(ANN)
    assert tick(BOB) == [6]
    assert tick(ANN, BOB, ANN, BOB, ANN, BOB)[-2:] == [3, 3]  # it was but asleep


def test_a_watcher_that_ends_is_followed_at_once() -> None:
    accounts(2)
    tick(ANN)
    claims.end(ANN)
    assert tick(BOB) == [2]


def test_a_watcher_takes_no_more_than_it_can() -> None:
    accounts(5)
    assert tick(ANN, ANN, capacity=3) == [3, 3]
    assert tick(ANN, capacity=0) == [0]


def test_what_is_paused_or_removed_is_let_go() -> None:
    paused, removed, kept = accounts(3)
    tick(ANN)
    intent.pause(paused.pk)
    intent.remove(removed.pk)
    assert list(claims.tick(ANN, MANY)) == [kept.pk]
    assert Account.objects.get(pk=paused.pk).watcher is None
    intent.resume(paused.pk)
    Account.objects.filter(pk=paused.pk).update(state="live")
    assert set(claims.tick(ANN, MANY)) == {kept.pk, paused.pk}


def test_nobody_waits_for_a_sync_that_commits() -> None:
    busy, free = accounts(2)
    other = connection.copy()
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM accounts_account WHERE id = %s FOR UPDATE", [busy.pk])
            with other.cursor() as cursor_of_other:
                cursor_of_other.execute("SET statement_timeout = '2s'")
                cursor_of_other.execute(claims._CLAIM, [ANN, [], 10])
    finally:
        other.close()
    assert list(Account.objects.filter(watcher=ANN)) == [free]


def test_a_quiet_tick_writes_one_row_however_many_accounts_there_are() -> None:
    accounts(3)
    tick(ANN)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        tick(ANN)
    before = [each["sql"].split()[0] for each in queries]
    assert before == ["UPDATE", "SELECT", "INSERT", "SELECT", "SELECT"]
    versions = "SELECT xmin::text FROM accounts_account ORDER BY id"
    with connection.cursor() as cursor:
        cursor.execute(versions)
        rows = cursor.fetchall()
        tick(ANN)
        cursor.execute(versions)
        assert cursor.fetchall() == rows


def test_notes_are_neither_changes_nor_log_entries() -> None:
    (account,) = accounts(1)
    tick(ANN)
    claims.note(ANN, {account.pk: Standing(WatchMode.IDLE, "the inbox", timezone.now())})
    after = Account.objects.get(pk=account.pk)
    assert (after.watch_mode, after.watch_note, after.updated_at) == ("idle", "the inbox", account.updated_at)
    assert not LogEntry.objects.exists()


def test_only_who_holds_an_account_notes_how_it_stands_and_only_while_alive_is_it_believed() -> None:
    (account,) = accounts(1)
    tick(ANN)
    now = timezone.now()
    claims.note(BOB, {account.pk: Standing(WatchMode.NOTIFY, "", now)})
    account.refresh_from_db()
    assert standing_of(account, now).mode == WatchMode.POLLING
    claims.note(ANN, {account.pk: Standing(WatchMode.NOTIFY, "", now)})
    account.refresh_from_db()
    assert standing_of(account, now) == Standing(WatchMode.NOTIFY, "", now)
    assert standing_of(account, now + timedelta(seconds=claims.HOLD + 1)) == Standing(WatchMode.POLLING)
    die(ANN)
    tick(BOB)
    account.refresh_from_db()
    assert standing_of(account, now) == Standing(WatchMode.POLLING)


def test_dead_watchers_are_forgotten_once_nobody_names_them() -> None:
    accounts(1)
    tick(ANN)
    Watcher.objects.update(expires_at=timezone.now() - timedelta(minutes=2))
    claims.bury()
    assert Watcher.objects.filter(id=ANN).exists()
    tick(BOB)
    claims.bury()
    assert not Watcher.objects.filter(id=ANN).exists()


def test_the_reason_why_credentials_do_not_open_is_told() -> None:
    (account,) = accounts(1)
    (reason,) = claims.logins([account.pk]).values()
    assert "SYNCFARM_SECRET_KEYS" in str(reason)
