"""Servers that would keep a worker: out of memory, at a snail's pace, or past the end of its lease."""

import threading
import time
from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.db import connection

from accounts.models import Account, AccountState, Host
from mail import intent, lease
from mail.imap.session import MailSession
from mail.mirror import sync_account
from mail.types import LeaseLost
from tests.integration.mirroring import connected
from tests.mailboxes import Mailbox
from tests.protocol.scripted import STALL, ScriptedServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


@pytest.fixture
def account(mailbox: Mailbox) -> Account:
    return connected(mailbox)


def test_a_server_that_sends_more_than_memory_holds_fails_one_account(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(_: MailSession) -> None:
        raise MemoryError

    monkeypatch.setattr(MailSession, "folders", exhausted)
    result = sync_account(account.id, lease.claim(account.id))
    account.refresh_from_db()
    assert "memory" in str(result.error)
    assert (account.state, account.failures, account.reason) == (AccountState.ERROR, 1, str(result.error))


@pytest.mark.parametrize("wish", [intent.pause, intent.remove])
@pytest.mark.parametrize("script", [{"LIST": b"* LIST () " + STALL}, {"LOGIN": STALL}])
def test_a_worker_that_waits_for_a_server_stops_soon_after_its_account_is_taken_away(
    account: Account, script: dict[str, bytes], wish: Callable[[UUID], bool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.lease.RENEWAL", 0.2)
    with ScriptedServer(script) as server:
        Account.objects.filter(id=account.id).update(settings=account.settings | {"imap_port": server.login.port})
        threading.Timer(0.5, _in_thread, [wish, account.id]).start()
        started = time.monotonic()
        with pytest.raises(LeaseLost, match="taken away"):
            sync_account(account.id, lease.claim(account.id))
        assert time.monotonic() - started < 8
    account.refresh_from_db()
    assert (account.failures, account.last_error) == (0, "")
    assert not Host.objects.exists(), "the host did answer"


def _in_thread(wish: Callable[[UUID], bool], account_id: UUID) -> None:
    wish(account_id)
    connection.close()


def test_a_lease_that_is_lost_before_anybody_minds_is_minded_at_once() -> None:
    ours, stopped = lease.Lease(Account(), uuid4()), list[str]()
    ours.lose()
    ours.when_lost(lambda: stopped.append("stopped"))
    assert stopped == ["stopped"]
