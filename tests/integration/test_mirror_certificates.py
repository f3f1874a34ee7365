"""A certificate that nobody vouches for: said in words on the account and in the API, and over when the cause is."""

import socket

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts import keys
from accounts.models import Account, AccountState
from accounts.network import open_socket
from mail.imap import opening
from mail.types import ConnectionFailed
from tests.integration.mirroring import connected, fill, live, sync
from tests.mailboxes import MailboxFactory


@pytest.mark.django_db(transaction=True)
def test_an_untrusted_certificate_is_said_in_words_and_the_account_recovers(
    mailbox_factory: MailboxFactory, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def anywhere(host: str, port: int, *, timeout: float, trusted: bool) -> socket.socket:
        """The loopback as if it were a public address: else it is refused before its certificate is looked at."""
        return open_socket(host, port, timeout=timeout, trusted=True)

    monkeypatch.setattr(opening, "open_socket", anywhere)
    mailbox = mailbox_factory("qresync")
    with mailbox.client() as client:
        fill(client, "INBOX", 1)
    account = connected(mailbox)
    tls = {"imap_host": "localhost", "imap_port": mailbox.server.tls_port, "imap_security": "tls"}
    Account.objects.filter(id=account.id).update(settings=account.settings | tls)
    with pytest.raises(ConnectionFailed, match="not trusted"):
        sync(account)
    account.refresh_from_db()
    assert (account.state, account.failures) == (AccountState.ERROR, 1)
    assert account.next_sync_at is not None
    assert account.next_sync_at > timezone.now()
    _key, secret = keys.create(account.application, "reader")
    grant = Client(headers={"authorization": f"Bearer {secret}"}).get(f"/v3/grants/{account.id}").json()["data"]
    assert grant["state"] == "error"
    assert "certificate" in grant["state_reason"]
    settings.SYNCFARM_TRUSTED_HOSTS = ["localhost"]
    sync(account)
    assert live(account)
    assert account.reason == ""
