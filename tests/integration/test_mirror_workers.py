"""Workers that are killed, that lose their lease, that meet: nothing is lost or written twice, and nobody waits for ever."""

import contextlib
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from accounts.models import Account
from mail import lease, search, store
from mail.mirror import sync_account
from mail.models import Message, Transaction
from mail.types import LeaseLost
from tests.integration.mirroring import connected, fill, log_of, mirror_state, server_state, sync
from tests.integration.qresync_mailbox import *  # noqa: F403 -- fixtures
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


class Killed(BaseException):
    """A kill -9, as far as one process can have it: nothing after it runs but what always runs."""


def killed_after(commits: int) -> Callable[[], None]:
    left = [commits]

    def commit() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    return commit


@pytest.mark.parametrize("commits", range(12))
def test_a_sync_killed_after_any_commit_goes_on_where_it_stopped(mailbox: Mailbox, commits: int) -> None:
    with mailbox.client() as client:
        client.create_folder("Other")
        fill(client, "INBOX", 5)
        fill(client, "Other", 5)
        account = connected(mailbox)
        with pytest.raises(Killed):
            sync(account, on_commit=killed_after(commits % 3))
        fill(client, "INBOX", 1, start=10)
        client.select_folder("INBOX")
        client.move([2], "Other")
        client.add_flags([3], [b"\\Seen"])
        for more in range(commits):
            try:
                sync(account, on_commit=killed_after(more % 4))
            except Killed:
                continue
        sync(account)
        assert mirror_state(account) == server_state(client)
    log = log_of(account)
    assert log.count(("message", "created")) == 11
    assert ("message", "deleted") not in log


def test_a_worker_that_lost_its_lease_writes_nothing(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        fill(client, "INBOX", 3)
    account = connected(mailbox)
    stale = lease.claim(account.id)
    Account.objects.filter(id=account.id).update(lease_token=uuid4())
    with pytest.raises(LeaseLost):
        sync_account(account.id, stale)
    with pytest.raises(LeaseLost), store.writing(account.id, stale) as batch:
        batch.log("folder", uuid4(), "created")
    assert not Transaction.objects.filter(account=account).exists()


def test_an_account_is_claimed_by_one_worker_and_again_when_the_claim_lapses(mailbox: Mailbox) -> None:
    account = connected(mailbox)
    ((claimed, _token, _wished),) = lease.claim_due(10)
    assert claimed == account.id
    assert lease.claim_due(10) == []
    with pytest.raises(LeaseLost):
        lease.claim(account.id)
    Account.objects.filter(id=account.id).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert [claimed for claimed, _token, _wished in lease.claim_due(10)] == [account.id]


def test_a_task_that_is_delivered_twice_runs_once(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        fill(client, "INBOX", 3)
    account = connected(mailbox)
    token = lease.claim(account.id)
    second: list[object] = []

    def again() -> None:
        if not second:
            second.append("started")
            try:
                second.append(sync_account(account.id, token))
            except LeaseLost as error:
                second.append(error)

    with contextlib.suppress(LeaseLost):
        sync_account(account.id, token, on_commit=again)
    assert isinstance(second[1], LeaseLost)


def test_a_sweep_and_the_search_index_do_not_deadlock(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        fill(client, "INBOX", 3)
    account = connected(mailbox)
    sync(account)
    Message.objects.update(orphaned_at=timezone.now() - timedelta(hours=2))
    token = lease.claim(account.id)
    failed: list[Exception] = []

    def index() -> None:
        try:
            search.index_account(account.id)
        except DatabaseError as error:
            failed.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=index)
    with store.writing(account.id, token) as batch:
        thread.start()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            batch.cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            if batch.cursor.fetchone()[0]:
                break
            time.sleep(0.02)
        store.sweep_orphans(batch, timezone.now())
        batch.cursor.execute("DELETE FROM mail_location")
    thread.join()
    assert not failed
