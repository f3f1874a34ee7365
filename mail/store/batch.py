"""One database transaction of the mirror: fenced by the lease, closed by the log."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from accounts.models import Account
from mail import changes
from mail.store import derive
from mail.store.rows import Figures
from mail.store.wished import refresh_folders
from mail.types import LeaseLost

_FENCE = """
SELECT EXISTS (SELECT 1 FROM mail_action w WHERE w.account_id = a.id AND w.state = 'pending' AND w.next_try_at <= now())
FROM accounts_account a WHERE id = %s AND lease_token = %s AND removed_at IS NULL FOR NO KEY UPDATE
"""


class Batch:
    """What a transaction touches. Callers change rows and say what they touched; `close` derives the rest from it:
    a message's folders and flags, a thread's figures, and a log entry for each object that a reader sees otherwise."""

    def __init__(self, cursor: Any, account_id: UUID) -> None:
        self.cursor = cursor
        self.account_id = account_id
        self.entries: list[changes.Entry] = []
        self.moved: set[UUID] = set()  # messages whose places or flags changed
        self.threads: set[UUID] = set()  # threads whose messages changed
        self.foldered = False  # whether folders may be seen otherwise, by what is wished of them
        self.wished = False  # whether a change that was made here waits to be carried to the server
        self.grown: dict[UUID, Figures] = {}  # threads that got more messages -> these messages' figures

    def log(self, object_type: str, object_id: UUID, kind: str) -> None:
        """Note that an object was created, updated or deleted."""
        self.entries.append((object_type, object_id, kind))

    def close(self) -> None:
        """Derive and append to the log. Runs before the commit."""
        if self.foldered:
            for folder_id, kind in refresh_folders(self.cursor, self.account_id):
                self.log("folder", folder_id, kind)
        for message_id, thread_id, kind in derive.refresh_messages(self.cursor, self.moved):
            self.log("message", message_id, kind)
            self.threads.add(thread_id)
        only_grown = {thread: figures for thread, figures in self.grown.items() if thread not in self.threads}
        extended = derive.extend_threads(self.cursor, only_grown)
        for thread_id in extended:
            self.log("thread", thread_id, "updated")
        for thread_id, kind in derive.refresh_threads(self.cursor, self.threads | only_grown.keys() - extended):
            self.log("thread", thread_id, kind)
        entries = changes.distinct(self.entries)
        if entries:
            changes.append(self.cursor, self.account_id, entries)


@contextmanager
def writing(account_id: UUID, lease: UUID) -> Iterator[Batch]:
    """A transaction for the holder of the lease. Raises LeaseLost, and writes nothing, if it is held no more.

    The account's row stays locked until the commit, so a newer holder waits for it and sees all of it. The lock lets
    foreign keys to the account be checked meanwhile, or every other writer would wait for syncs.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_FENCE, [account_id, lease])
        held = cursor.fetchone()
        if held is None:
            raise LeaseLost(f"account {account_id} is held by another worker, paused or removed")
        batch = Batch(cursor, account_id)
        (batch.wished,) = held
        yield batch
        batch.close()


@contextmanager
def beside(account_id: UUID) -> Iterator[Batch]:
    """A transaction beside the syncs, under the same lock. It may add no places, nor move a folder's sync point.

    Raises Account.DoesNotExist if the account is removed."""
    with transaction.atomic(), connection.cursor() as cursor:
        Account.objects.present().select_for_update(no_key=True).only("pk").get(pk=account_id)
        batch = Batch(cursor, account_id)
        yield batch
        batch.close()
