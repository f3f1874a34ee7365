"""What tests of drafts and sending share: a mailbox with the usual folders, and a server that takes its mail."""

import email
import email.policy
import threading
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from accounts import credentials
from accounts.models import Account
from mail import sending
from mail.models import Outgoing
from tests.integration.mirroring import connected, fill, sync
from tests.mailboxes import Mailbox
from tests.protocol.sink import PASSWORD, USER, Sink, running

__all__ = ["account", "sink", "worker"]


@pytest.fixture
def sink(tmp_path: Path) -> Iterator[Sink]:
    with running(Sink(), tmp_path) as sink:
        yield sink


@pytest.fixture
def account(mailbox: Mailbox, sink: Sink) -> Account:
    """Two mails in the inbox, mirrored; it sends by the sink."""
    with mailbox.client() as client:
        fill(client, "INBOX", 2)
        for name in ("Drafts", "Sent", "Trash"):
            client.create_folder(name)
    account = connected(mailbox)
    account.email, account.name = "alice@example.test", "Alice Ängström"
    account.settings |= {
        "smtp_host": "127.0.0.1",
        "smtp_port": sink.login.port,
        "smtp_security": "none",
        "smtp_username": USER,
    }
    account.credentials = credentials.seal({"imap_password": mailbox.password, "smtp_password": PASSWORD})
    account.save()
    sync(account)
    return account


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Stands in for the fleet that sends: it does what the task does, at once and aside."""
    threads: list[threading.Thread] = []

    def work(outgoing_id: Any) -> None:
        try:
            sending.carry_on(outgoing_id)
        finally:
            connection.close()

    def nudge(outgoing_id: Any) -> None:
        threads.append(threading.Thread(target=work, args=(outgoing_id,)))
        threads[-1].start()

    monkeypatch.setattr(sending, "nudge", nudge)
    yield
    for thread in threads:
        thread.join()


def in_folder(mailbox: Mailbox, name: str) -> list[EmailMessage]:
    """What another client finds there."""
    with mailbox.client() as client:
        client.select_folder(name, readonly=True)
        found = client.fetch(client.search("ALL"), ["BODY.PEEK[]"])
    return [parsed(data[b"BODY[]"]) for _uid, data in sorted(found.items())]


def parsed(octets: Any) -> EmailMessage:
    read = email.message_from_bytes(octets, policy=email.policy.default)
    assert isinstance(read, EmailMessage)
    return read


def states(account: Account) -> list[str]:
    return list(Outgoing.objects.filter(account=account).order_by("created_at").values_list("state", flat=True))
