"""Rows as search and the admin want them: a mailbox of mails whose texts matter, with their log entries."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Account, Application
from mail.models import Folder, Message
from tests.integration.factories import START, log_changes, make_account, make_message


def an_account(email: str = "ann@example.test", application: str = "Acme", **fields: Any) -> Account:
    """A live account that synced 12 seconds ago and is not due yet."""
    now = timezone.now()
    defaults = {"last_sync_at": now - timedelta(seconds=12), "next_sync_at": now + timedelta(seconds=18)}
    owner, _ = Application.objects.get_or_create(name=application)
    return make_account(owner, email, **{**defaults, **fields})


def a_message(account: Account, text: str = "", *folders: Folder, html: bool = False, **fields: Any) -> Message:
    """A mail of that text from Bob to the account's owner, an hour after the one before."""
    number = Message.objects.filter(account=account).count() + 1
    defaults = {
        "at": START + timedelta(hours=number),
        "mail": f"Subject: Mail {number}\r\nX-Number: {number}\r\n\r\n{text}".encode(),
        "subject": f"Mail {number}",
        "snippet": text[:100],
        "from_addresses": [{"name": "Bob Baker", "email": "bob@sender.test"}],
        "to_addresses": [{"name": "Ann", "email": account.email}],
    }
    message = make_message(account, *folders, body=text, html=html, **{**defaults, **fields})
    log_changes(account, ("message", message.pk, "created"))
    return message
