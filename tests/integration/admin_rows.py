"""Rows for the tests of search and admin: a mailbox of a few mails, written without a sync."""

import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.models import Account, AccountState, Application
from mail import changes, raw
from mail.models import Body, Folder, FolderState, Location, Message, Raw, Thread

BEGIN = datetime(2026, 1, 1, 12, tzinfo=UTC)


def an_account(email: str = "ann@example.test", **fields: Any) -> Account:
    """A live account of the application "Acme"."""
    application, _ = Application.objects.get_or_create(name=fields.pop("application", "Acme"))
    fields.setdefault("state", AccountState.LIVE)
    fields.setdefault("last_sync_at", timezone.now() - timedelta(seconds=12))
    fields.setdefault("settings", {"imap_host": "imap.example.test", "imap_port": 993, "imap_username": email})
    return Account.objects.create(application=application, email=email, credentials=b"sealed-token", **fields)


def a_folder(account: Account, name: str = "INBOX", **fields: Any) -> Folder:
    """A folder that is mirrored."""
    fields.setdefault("role", "inbox" if name == "INBOX" else "")
    fields.setdefault("state", FolderState.LIVE)
    return Folder.objects.create(account=account, name=name, wire_name=name, delimiter="/", uidvalidity=1, **fields)


def a_message(
    account: Account, text: str = "", *, html: bool = False, folder: Folder | None = None, **fields: Any
) -> Message:
    """A message with its thread, body, raw form and log entry; in the folder, if one is given."""
    number = Message.objects.filter(account=account).count() + 1
    fields.setdefault("subject", f"Mail {number}")
    fields.setdefault("received_at", BEGIN + timedelta(hours=number))
    fields.setdefault("from_addresses", [{"name": "Bob Baker", "email": "bob@sender.test"}])
    fields.setdefault("to_addresses", [{"name": "Ann", "email": account.email}])
    source = f"Subject: {fields['subject']}\r\nX-Number: {number}\r\n\r\n{text}".encode()
    thread = fields.pop("thread", None) or Thread.objects.create(
        account=account,
        subject=fields["subject"],
        message_count=1,
        earliest_at=fields["received_at"],
        latest_at=fields["received_at"],
    )
    message = Message.objects.create(
        id=uuid.uuid4(),
        account=account,
        thread=thread,
        digest=hashlib.sha256(source).digest(),
        size=len(source),
        header_id=fields.pop("header_id", f"{number}@sender.test"),
        snippet=text[:100],
        folder_ids=[folder.id] if folder else [],
        **fields,
    )
    Raw.objects.create(account=account, digest=message.digest, data=raw.compress(source))
    Body.objects.create(message=message, html=html, data=raw.compress(text.encode()))
    if folder:
        Location.objects.create(
            folder=folder,
            uidvalidity=1,
            uid=number,
            message=message,
            flags=["\\Seen"],
            received_at=message.received_at,
        )
    logged(account, "message", message.id, "created")
    return message


def logged(account: Account, object_type: str, object_id: uuid.UUID, kind: str) -> None:
    """Append to the account's change log."""
    with connection.cursor() as cursor:
        changes.append(cursor, account.id, [(object_type, object_id, kind)])
