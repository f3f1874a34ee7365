"""Rows for tests, made directly: small, and true to what mail.store would have written."""

import hashlib
import itertools
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction

from accounts import keys
from accounts.models import Account, ApiKey, Application
from mail import bodies, changes, raw
from mail.models import Folder, FolderState, Location, Message, Thread
from mail.types import message_id

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
_numbers = itertools.count(1)

ALICE = {"name": "Alice", "email": "alice@example.test"}
BOB = {"name": "Bob", "email": "Bob@Example.test"}


def make_application(name: str = "") -> Application:
    return Application.objects.create(name=name or f"application {next(_numbers)}")


def make_key(application: Application, account: Account | None = None) -> tuple[ApiKey, str]:
    return keys.create(application, "test", account)


def make_account(application: Application | None = None, email: str = "", **fields: Any) -> Account:
    return Account.objects.create(
        application=application or make_application(),
        email=email or f"user{next(_numbers)}@example.test",
        credentials=b"sealed",
        **{"state": "live", "settings": {"imap_host": "imap.example.test", "imap_port": 993}, **fields},
    )


def make_folder(account: Account, name: str = "INBOX", **fields: Any) -> Folder:
    defaults = {
        "delimiter": "/",
        "uidvalidity": 1,
        "state": FolderState.LIVE,
        "role": "inbox" if name == "INBOX" else "",
    }
    return Folder.objects.create(account=account, name=name, wire_name=name, **{**defaults, **fields})


def make_thread(account: Account, at: datetime = START, **fields: Any) -> Thread:
    return Thread.objects.create(account=account, earliest_at=at, latest_at=at, **fields)


def make_message(
    account: Account,
    *folders: Folder,
    thread: Thread | None = None,
    at: datetime | None = None,
    mail: bytes = b"",
    body: str = "<p>Hello</p>",
    html: bool = True,
    **fields: Any,
) -> Message:
    """A message in the folders, with its body, raw mail and thread (its own if none is given)."""
    number = next(_numbers)
    at = at or START + timedelta(minutes=number)
    mail = mail or f"Subject: mail {number}\r\nMessage-ID: <{number}@example.test>\r\n\r\nHello\r\n".encode()
    digest = hashlib.sha256(mail).digest()
    values: dict[str, Any] = {
        "subject": f"mail {number}",
        "header_id": f"{number}@example.test",
        "from_addresses": [ALICE],
        "to_addresses": [BOB],
        "snippet": "Hello",
        "size": len(mail),
        **fields,
    }
    message = Message.objects.create(
        id=message_id(account.pk, b"s" + digest),
        account=account,
        thread=thread or make_thread(account, at, subject=values["subject"]),
        digest=digest,
        received_at=at,
        folder_ids=sorted((folder.pk for folder in folders), key=str),
        participants=_participants(values),
        **values,
    )
    _store_contents(message, mail, body, html=html)
    for folder in folders:
        place(message, folder)
    _refresh(message.thread)
    return message


def _store_contents(message: Message, mail: bytes, body: str, *, html: bool) -> None:
    """A pack that holds the raw message and its body."""
    packed = raw.pack([raw.Content(message.pk, mail)])
    with connection.cursor() as cursor:
        message.pack_id = raw.put(cursor.cursor, message.account_id, packed)
    message.raw_at, message.raw_size = packed.places[message.pk]
    message.save()
    bodies.keep({message.pk: bodies.Body(body, html)})


def place(message: Message, folder: Folder) -> Location:
    """One more place of a message, with the flags that it shows."""
    flags = {"\\Draft": message.draft, "\\Flagged": message.starred, "\\Seen": not message.unread}
    return Location.objects.create(
        folder=folder,
        uidvalidity=folder.uidvalidity or 0,
        uid=next(_numbers),
        message=message,
        flags=[flag for flag, given in flags.items() if given],
        received_at=message.received_at,
    )


def log_changes(account: Account, *entries: tuple[str, UUID, str]) -> None:
    """Append (object_type, object_id, kind) to the account's change log."""
    with transaction.atomic(), connection.cursor() as cursor:
        changes.append(cursor, account.pk, entries)


def unknown_id() -> str:
    return str(uuid4())


def _participants(values: dict[str, Any]) -> list[str]:
    lists: Sequence[Any] = [values.get(f"{name}_addresses", []) for name in ("from", "to", "cc", "bcc")]
    return sorted({address["email"].lower() for addresses in lists for address in addresses})


def _refresh(thread: Thread) -> None:
    members = list(thread.messages.all())
    thread.message_count = len(members)
    thread.earliest_at = min(one.received_at for one in members)
    thread.latest_at = max(one.received_at for one in members)
    for flag, column in (("unread", "unread"), ("starred", "starred"), ("has_drafts", "draft")):
        setattr(thread, flag, any(getattr(one, column) for one in members))
    thread.has_attachments = any(one.has_attachments for one in members)
    thread.save()
