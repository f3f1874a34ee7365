"""Accounts that cannot be reached: a wrong password, a server that is away. It is said in words, and they recover."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts import credentials
from accounts.models import Account, AccountState, Host
from mail import intent
from mail.mirror.opening import HostIsDown
from mail.types import AuthenticationFailed, ConnectionFailed
from tests.integration.mirroring import connected, live, log_of, sync
from tests.integration.qresync_mailbox import *  # noqa: F403 -- fixtures
from tests.mailboxes import Mailbox, MailboxFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


def test_a_wrong_password_stops_the_account_in_words_and_a_resume_revives_it(mailbox: Mailbox) -> None:
    account = connected(mailbox)
    right = account.credentials
    Account.objects.filter(id=account.id).update(credentials=credentials.seal({"imap_password": "wrong"}))
    with pytest.raises(AuthenticationFailed):
        sync(account)
    account.refresh_from_db()
    assert account.state == AccountState.INVALID
    assert account.next_sync_at is None
    assert mailbox.user in account.reason
    assert ("grant", "updated") in log_of(account)
    Account.objects.filter(id=account.id).update(credentials=right)
    intent.resume(account.id)
    sync(account)
    assert live(account)
    assert account.reason == ""


def test_an_unreachable_server_backs_off_and_recovers_by_itself(mailbox: Mailbox) -> None:
    account = connected(mailbox)
    settings = account.settings
    Account.objects.filter(id=account.id).update(settings=settings | {"imap_port": 1})
    for failures in (1, 2, 3):
        with pytest.raises(ConnectionFailed):
            sync(account)
        account.refresh_from_db()
        assert (account.state, account.failures) == (AccountState.ERROR, failures)
        assert account.next_sync_at is not None
        wait = account.next_sync_at - timezone.now()
        assert wait > timedelta(seconds=3 * 2 ** (failures - 1))
    assert "127.0.0.1" in account.reason
    Account.objects.filter(id=account.id).update(settings=settings)
    sync(account)
    assert live(account)
    assert (account.failures, account.last_error) == (0, "")


def test_a_host_that_is_down_is_not_asked_for_every_account_of_it(mailbox_factory: MailboxFactory) -> None:
    accounts = [connected(mailbox_factory("qresync")) for _ in range(5)]
    port = accounts[0].settings["imap_port"]
    for account in accounts:
        Account.objects.filter(id=account.id).update(settings=account.settings | {"imap_port": 1})
    for account in accounts[:3]:
        with pytest.raises(ConnectionFailed, match="nobody listens"):
            sync(account)
    for account in accounts[3:]:
        with pytest.raises(HostIsDown, match=r"127\.0\.0\.1 has not answered lately"):
            sync(account)
        account.refresh_from_db()
        assert (account.state, account.failures) == (AccountState.ERROR, 0)
        assert account.next_sync_at is not None
        assert account.next_sync_at > timezone.now()
    for account in accounts:
        Account.objects.filter(id=account.id).update(settings=account.settings | {"imap_port": port})
    Host.objects.update(name=f"127.0.0.1:{port}", retry_at=timezone.now())
    for account in accounts:
        sync(account)
        assert live(account)
    assert not Host.objects.exists()


def test_credentials_that_no_key_opens_are_said_so(mailbox: Mailbox) -> None:
    account = connected(mailbox)
    Account.objects.filter(id=account.id).update(credentials=b"nonsense")
    with pytest.raises(AuthenticationFailed, match="SYNCFARM_SECRET_KEYS"):
        sync(account)
