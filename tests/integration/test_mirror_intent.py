"""Operators pause, resume, wish for a sync, or remove an account, also while a worker is at it."""

import contextlib
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from accounts.models import Account, AccountState
from mail import changes, intent, lease, store
from mail.imap.session import MailSession
from mail.mirror import sync_account
from mail.models import Folder, Frame, Location, Message, Pack, Transaction
from mail.types import ConnectionFailed, LeaseLost
from tests.integration.mirroring import connected, fill, live, sync
from tests.integration.qresync_mailbox import *  # noqa: F403 -- fixtures
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


def _wish(wish: Callable[[UUID], bool], account: Account) -> None:
    wish(account.id)


def test_pausing_stops_a_running_sync_at_its_next_batch(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        fill(client, "INBOX", 3)
    account = connected(mailbox)
    with pytest.raises(LeaseLost):
        sync_account(account.id, lease.claim(account.id), on_commit=lambda: _wish(intent.pause, account))
    account.refresh_from_db()
    assert (account.state, account.reason) == (AccountState.PAUSED, "Paused by an operator.")
    assert lease.claim_due(10) == []
    assert intent.resume(account.id)
    sync(account)
    assert live(account)


def test_a_wish_that_comes_during_a_sync_is_not_lost(mailbox: Mailbox) -> None:
    account = connected(mailbox)
    sync(account, on_commit=lambda: _wish(intent.request_sync, account))
    account.refresh_from_db()
    assert account.next_sync_at is not None
    assert account.next_sync_at <= timezone.now()


def test_a_wish_that_comes_during_a_failing_turn_is_not_lost(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    account = connected(mailbox)
    sync(account)
    Account.objects.update(failures=8)

    def fail(*_: object) -> None:
        intent.request_sync(account.id)
        raise ConnectionFailed("gone")

    monkeypatch.setattr(MailSession, "folders", fail)
    sync_account(account.id, lease.claim(account.id))
    account.refresh_from_db()
    assert account.next_sync_at is not None
    assert account.next_sync_at <= timezone.now() + timedelta(minutes=1), account.next_sync_at - timezone.now()


def test_a_turn_by_hand_leaves_a_paused_account_paused(mailbox: Mailbox) -> None:
    account = connected(mailbox)
    sync(account)
    intent.pause(account.id)
    with contextlib.suppress(LeaseLost):
        sync(account)
    account.refresh_from_db()
    assert account.state == AccountState.PAUSED
    assert account.next_sync_at is None


def test_removal_hides_the_account_at_once_and_upkeep_deletes_everything(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        fill(client, "INBOX", 3)
    account = connected(mailbox)
    sync(account)
    assert intent.remove(account.id)
    assert not Account.objects.present().exists()
    assert store.remove_accounts() == 1
    for model in (Message, Location, Pack, Frame, Folder):
        assert not model._default_manager.exists()
    account.refresh_from_db()
    assert (account.email, account.name, account.settings, bytes(account.credentials)) == ("", "", {}, b"")


def test_the_log_of_a_removed_account_says_so_until_it_has_expired(mailbox: Mailbox) -> None:
    account = connected(mailbox)
    sync(account)
    assert intent.remove(account.id)
    assert not intent.remove(account.id)
    assert store.remove_accounts() == 1
    last = changes.read(account.id, 0, 1000).changes[-1]
    assert (last.object_type, last.object_id, last.kind) == ("grant", account.id, "deleted")
    assert store.remove_accounts() == 0
    changes.expire_all(timezone.now() + timedelta(seconds=1))
    assert store.remove_accounts() == 0
    assert not Account.objects.exists()
    assert not Transaction.objects.exists()
