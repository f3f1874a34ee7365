"""What tests of folders that are changed here share: a mailbox with some, and both sides of it."""

from typing import Any
from uuid import UUID

import pytest

from accounts.models import Account
from mail.imap.session import MailSession
from mail.models import Folder
from tests.integration.mirroring import connected, fill, log_of, sync
from tests.mailboxes import Mailbox

__all__ = ["account"]

WORK = {("Work",), ("Work", "Old")}


@pytest.fixture
def account(mailbox: Mailbox) -> Account:
    """Two mails in the inbox, two in "Work", one in "Work/Old"; mirrored."""
    with mailbox.client() as client:
        delimiter = client.list_folders()[0][1].decode()
        fill(client, "INBOX", 2)
        for name, count in (("Work", 2), (f"Work{delimiter}Old", 1)):
            client.create_folder(name)
            fill(client, name, count)
    account = connected(mailbox)
    sync(account)
    return account


def folder(account: Account, *path: str) -> UUID:
    return Folder.objects.get(account=account, seen_name=joined(account, *path)).pk


def joined(account: Account, *path: str) -> str:
    return str(Folder.objects.get(account=account, role="inbox").delimiter).join(path)


def seen(account: Account) -> set[tuple[str, ...]]:
    rows = Folder.objects.shown().filter(account=account)
    return {tuple(row.seen_name.split(row.delimiter)) for row in rows} - {("INBOX",)}


def on_server(mailbox: Mailbox) -> dict[tuple[str, ...], int]:
    """The folders that hold mail, but for the inbox, and how much."""
    with mailbox.client() as client:
        return {
            tuple(name.split(delimiter.decode())): client.folder_status(name, ["MESSAGES"])[b"MESSAGES"]
            for attributes, delimiter, name in client.list_folders()
            if name != "INBOX" and not {b"\\Noselect", b"\\NonExistent"}.intersection(attributes)
        }


def folder_log(account: Account, after: int) -> list[str]:
    return [kind for what, kind in log_of(account, after) if what == "folder"]


def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """UIDs of the bodies that are asked for from now on."""
    asked: list[int] = []
    original = MailSession.bodies

    def bodies(session: MailSession, uids: Any, **options: Any) -> Any:
        asked.extend(uids)
        return original(session, uids, **options)

    monkeypatch.setattr(MailSession, "bodies", bodies)
    return asked
