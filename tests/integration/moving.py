"""What tests of moves and deletions share: a mailbox with folders, and both sides of it."""

from uuid import UUID

import pytest

from accounts.models import Account
from mail.imap.editing import Editor
from mail.models import Folder, Message
from mail.types import Copied
from tests.integration.mirroring import connected, fill, sync
from tests.mailboxes import Mailbox

__all__ = ["account"]


@pytest.fixture
def account(mailbox: Mailbox) -> Account:
    """Four unread mails in the inbox, and two empty folders; mirrored."""
    with mailbox.client() as client:
        fill(client, "INBOX", 4)
        client.create_folder("Kept")
        client.create_folder("Trash")
    account = connected(mailbox)
    sync(account)
    return account


def folder(account: Account, name: str) -> UUID:
    return Folder.objects.get(account=account, name=name).pk


def folders_of(row: Message) -> set[str]:
    row.refresh_from_db()
    return set(Folder.objects.filter(pk__in=row.folder_ids).values_list("name", flat=True))


def on_server(mailbox: Mailbox) -> dict[str, int]:
    with mailbox.client() as client:
        return {
            name: client.folder_status(name, ["MESSAGES"])[b"MESSAGES"]
            for name in ("INBOX", "Kept", "Trash")
            if client.folder_exists(name)
        }


def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not tell where messages came to lie."""
    for name in ("move", "copy"):
        original = getattr(Editor, name)
        monkeypatch.setattr(Editor, name, lambda *given, original=original: (original(*given), Copied())[1])
