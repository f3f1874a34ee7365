"""Folders: what is known of them, their sync points, their failures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import F
from django.utils import timezone

from mail.models import Folder, FolderState
from mail.store.batch import Batch
from mail.types import LocalFolder, Selected

_LOCAL = """
SELECT f.id, coalesce(f.wire_name, '') AS wire_name, f.name, f.delimiter, f.role, f.attributes, f.selectable,
       f.mailbox_id, f.total_count, f.unread_count, f.uidvalidity, f.uidnext,
       f.highestmodseq, f.backfill_uid, f.flags_uid, f.mirrored_count,
       count(g.uid) FILTER (WHERE NOT EXISTS (
           SELECT 1 FROM mail_location l WHERE l.folder_id = f.id AND l.uidvalidity = f.uidvalidity AND l.uid = g.uid
           OFFSET 0 -- an index probe for each gap, never a hash of all places
       )), coalesce(bool_or(g.next_try_at <= now()), false), f.failures, f.next_try_at, f.wished_name, f.hidden
FROM mail_folder f LEFT JOIN mail_gap g ON g.folder_id = f.id
WHERE f.account_id = %s GROUP BY f.id
"""
_SURVEY = f"""
SELECT a.*, f.* FROM (
    SELECT clock_timestamp(),
           (SELECT last_change_at FROM accounts_account WHERE id = %s),
           EXISTS (SELECT 1 FROM mail_message WHERE account_id = %s AND orphaned_at IS NOT NULL),
           EXISTS (SELECT 1 FROM mail_gap JOIN mail_folder ON id = folder_id WHERE account_id = %s AND attempts = 1),
           (SELECT min(next_try_at) FROM mail_action WHERE account_id = %s AND state = 'pending')
) a LEFT JOIN ({_LOCAL}) f ON true
"""  # noqa: S608 -- constants


@dataclass(frozen=True, slots=True)
class Survey:
    """What the mirror holds of an account. `at`: when, by the database's clock, which stamps orphans; `changed_at`:
    when a reader last saw something change; `orphans`: whether a message waits for a pass to tell a move from a
    deletion; `withheld`: whether the server listed a UID and would not hand it out when it was first asked;
    `wished_at`: when a change that was made here is due to be carried to the server, the first of them."""

    at: datetime
    changed_at: datetime | None
    orphans: bool
    withheld: bool
    wished_at: datetime | None
    folders: list[LocalFolder]


def survey(account_id: UUID) -> Survey:
    """All that a pass begins with, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_SURVEY, [account_id] * 5)
        rows = cursor.fetchall()
    at, changed_at, orphans, withheld, wished_at = rows[0][:5]
    return Survey(at, changed_at, orphans, withheld, wished_at, [_local(row[5:]) for row in rows if row[5] is not None])


def local_folders(account_id: UUID) -> list[LocalFolder]:
    """The account's folders as mirrored."""
    with connection.cursor() as cursor:
        cursor.execute(_LOCAL, [account_id])
        rows = cursor.fetchall()
    return [_local(row) for row in rows]


def local_folder(batch: Batch, folder_id: UUID) -> LocalFolder:
    """One folder as the batch's transaction sees it."""
    batch.cursor.execute(_LOCAL.replace("f.account_id", "f.id"), [folder_id])
    return _local(batch.cursor.fetchone())


def folders_made_here(batch: Batch) -> list[LocalFolder]:
    """Those that the server does not have yet."""
    batch.cursor.execute(f"SELECT * FROM ({_LOCAL}) f WHERE wire_name = ''", [batch.account_id])  # noqa: S608 -- constant
    return [_local(row) for row in batch.cursor.fetchall()]


def _local(row: Sequence[Any]) -> LocalFolder:
    values = list(row)  # in the order of LocalFolder's fields, which _LOCAL follows
    values[5] = frozenset(values[5])
    return LocalFolder(*values)


def begin_folder(batch: Batch, folder: LocalFolder, selected: Selected) -> LocalFolder:
    """Start over with a UIDVALIDITY: all mail is still to be copied, newest first.

    Places under an older UIDVALIDITY stay until `finish_reset`, so that no message seems to leave the folder.
    """
    batch.cursor.execute("DELETE FROM mail_gap WHERE folder_id = %s", [folder.id])
    _retire_places(batch, folder, selected.uidvalidity)
    Folder.objects.filter(id=folder.id).update(
        uidvalidity=selected.uidvalidity,
        uidnext=selected.uidnext,
        backfill_uid=selected.uidnext,
        highestmodseq=selected.highestmodseq,
        flags_uid=0,
        mirrored_count=0,
        state=FolderState.SYNCING,
        error="",
        failures=0,
        next_try_at=None,
    )
    return local_folder(batch, folder.id)


def restart_folder(batch: Batch, folder: LocalFolder) -> None:
    """Have the folder copied anew, as after a UIDVALIDITY reset."""
    _retire_places(batch, folder, folder.uidvalidity or 0)
    Folder.objects.filter(id=folder.id).update(uidvalidity=None, mirrored_count=0, failures=0, next_try_at=None)


def _retire_places(batch: Batch, folder: LocalFolder, uidvalidity: int) -> None:
    """Give places under this UIDVALIDITY one that no server uses and no older places have: its UIDs may mean other
    messages now (a server that came back to an old value, a folder made anew), and both must fit beside each other."""
    batch.cursor.execute(
        "UPDATE mail_location SET uidvalidity = "
        "(SELECT least(min(uidvalidity), 0) - 1 FROM mail_location WHERE folder_id = %s) "
        "WHERE folder_id = %s AND uidvalidity = %s",
        [folder.id, folder.id, uidvalidity],
    )


def checkpoint(batch: Batch, folder: LocalFolder, **columns: int) -> LocalFolder:
    """Move the sync point (uidnext, backfill_uid, highestmodseq, flags_uid) and return the folder as it is then.

    Failures have passed once mail is copied, the older mail while there is any: a message at which the server hangs up
    is reached after all else has gone well.
    """
    done = columns.get("backfill_uid", folder.backfill_uid) <= 1
    passed = {"failures": 0} if ("uidnext" if folder.backfill_uid <= 1 else "backfill_uid") in columns else {}
    Folder.objects.filter(id=folder.id).update(
        **columns,
        **passed,
        state=FolderState.LIVE if done else FolderState.SYNCING,
        error="",
        next_try_at=None,
        synced_at=timezone.now(),
    )
    return local_folder(batch, folder.id)


def finish_reset(batch: Batch, folder: LocalFolder) -> None:
    """Forget the places under older UIDVALIDITYs: what was not found again has left the folder."""
    batch.cursor.execute(  # two ranges: an index finds those, and no row that stays; for <> all places are read
        "DELETE FROM mail_location WHERE folder_id = %s AND (uidvalidity < %s OR uidvalidity > %s) "
        "RETURNING message_id",
        [folder.id, folder.uidvalidity, folder.uidvalidity],
    )
    batch.moved.update(message for (message,) in batch.cursor.fetchall())


def folder_failed(_batch: Batch, folder: LocalFolder, error: str, next_try_at: datetime) -> None:
    """Note that the server refuses the folder; the others go on."""
    Folder.objects.filter(id=folder.id).update(
        state=FolderState.ERROR, error=error, failures=F("failures") + 1, next_try_at=next_try_at
    )
