"""Folders: their list, their sync points, their failures."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import F
from django.utils import timezone

from mail.models import Folder, FolderState
from mail.store.batch import Batch
from mail.sync.tree import Kin, kin
from mail.types import FolderPlan, LocalFolder, RemoteFolder, Selected

_PASSING = frozenset({"\\Marked", "\\Unmarked", "\\UnMarked"})  # hints about new mail, not about the folder
MAX_COUNT = 2**31 - 1  # what the column holds; RFC 3501 allows twice that

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


def _local(row: Sequence[Any]) -> LocalFolder:
    values = list(row)  # in the order of LocalFolder's fields, which _LOCAL follows
    values[5] = frozenset(values[5])
    return LocalFolder(*values)


def changes_folders(plan: FolderPlan) -> bool:
    """Whether `change_folders` would write anything."""
    return bool(plan.created or plan.deleted) or any(_differs(ours, theirs) for ours, theirs in plan.kept)


def change_folders(batch: Batch, plan: FolderPlan) -> None:
    """Create, rename, update and delete folders. A deleted folder's messages become orphans."""
    plan = _with_made_here(batch, plan)
    batch.foldered = batch.foldered or any(_is_wished(ours) for ours in _known(plan))
    before = kin((ours.id, ours.name, ours.delimiter) for ours in _known(plan))
    created = [Folder(id=uuid4(), account_id=batch.account_id, **_listed(theirs)) for theirs in plan.created]
    Folder.objects.bulk_create(created)
    for folder in created:
        batch.log("folder", folder.id, "created")
    for ours, theirs in plan.kept:
        if _differs(ours, theirs):
            if ours.selectable and not theirs.selectable:
                _empty(batch, ours)
            if _update(batch, ours, _listed(theirs, ours)):
                batch.log("folder", ours.id, "updated")
    for ours in plan.deleted:
        delete_folder(batch, ours)
    _log_kin(batch, plan, created, before)


def _with_made_here(batch: Batch, plan: FolderPlan) -> FolderPlan:
    """Folders that were made here since the plan's folders were read are those that the server lists, not others."""
    if not plan.created:
        return plan
    batch.cursor.execute(
        f"SELECT * FROM ({_LOCAL}) f WHERE f.wire_name = ''",  # noqa: S608 -- constants
        [batch.account_id],
    )
    waiting = {ours.name: ours for ours in map(_local, batch.cursor.fetchall())}
    made = [(waiting[theirs.name], theirs) for theirs in plan.created if theirs.name in waiting]
    return replace(
        plan, kept=[*plan.kept, *made], created=[theirs for theirs in plan.created if theirs.name not in waiting]
    )


def _is_wished(ours: LocalFolder) -> bool:
    return bool(ours.wished_name or ours.hidden or not ours.wire_name)


def _update(batch: Batch, ours: LocalFolder, columns: Mapping[str, object]) -> bool:
    """Whether a reader sees the folder: it may have been deleted here meanwhile."""
    assignments = ", ".join(f"{column} = %s" for column in columns)
    batch.cursor.execute(
        f"UPDATE mail_folder SET {assignments} WHERE id = %s RETURNING NOT hidden",  # noqa: S608 -- names of columns
        [*columns.values(), ours.id],
    )
    return bool((batch.cursor.fetchone() or [False])[0])


def _known(plan: FolderPlan) -> list[LocalFolder]:
    return [*(ours for ours, _theirs in plan.kept), *plan.deleted]


def _log_kin(batch: Batch, plan: FolderPlan, created: list[Folder], before: Mapping[UUID, Kin]) -> None:
    """Parent and child count are part of a folder in the API. (Where something is wished: mail.store.wished.)"""
    now = [(ours.id, theirs.name, theirs.delimiter) for ours, theirs in plan.kept]
    now += [(folder.id, folder.name, folder.delimiter) for folder in created]
    hidden = {ours.id for ours in _known(plan) if ours.hidden}
    for folder_id, place in kin(now).items():
        if folder_id not in hidden and before.get(folder_id, place) != place:
            batch.log("folder", folder_id, "updated")


def _empty(batch: Batch, ours: LocalFolder) -> None:
    """No mail is in it any more: it was deleted, or became a mere name above others (\\Noselect)."""
    batch.cursor.execute("DELETE FROM mail_location WHERE folder_id = %s RETURNING message_id", [ours.id])
    batch.moved.update(message for (message,) in batch.cursor.fetchall())
    batch.cursor.execute("DELETE FROM mail_gap WHERE folder_id = %s", [ours.id])
    Folder.objects.filter(id=ours.id).update(
        uidvalidity=None, uidnext=1, backfill_uid=1, highestmodseq=0, mirrored_count=0, total_count=0, unread_count=0
    )


def delete_folder(batch: Batch, ours: LocalFolder) -> None:
    """Forget a folder that the server has no more. Its messages become orphans."""
    _empty(batch, ours)
    batch.cursor.execute("DELETE FROM mail_folder WHERE id = %s RETURNING NOT hidden", [ours.id])
    if (batch.cursor.fetchone() or [False])[0]:
        batch.log("folder", ours.id, "deleted")


def _differs(ours: LocalFolder, theirs: RemoteFolder) -> bool:
    """Whether LIST and STATUS tell of the folder what is not known yet (in terms of `_listed`)."""
    return (
        ours.total != _count(theirs, theirs.messages, ours.total)
        or ours.unread != _count(theirs, theirs.unseen, ours.unread)
        or ours.name != theirs.name
        or ours.wire_name != theirs.wire_name
        or ours.selectable != theirs.selectable
        or ours.attributes != theirs.attributes - _PASSING
        or ours.delimiter != theirs.delimiter
        or ours.role != theirs.role
        or ours.mailbox_id != theirs.mailbox_id
    )


def _listed(theirs: RemoteFolder, ours: LocalFolder | None = None) -> dict[str, object]:
    """The columns that LIST and STATUS decide; counts that the server did not give stay."""
    return {
        "name": theirs.name,
        "wire_name": theirs.wire_name,
        "delimiter": theirs.delimiter,
        "role": theirs.role,
        "attributes": sorted(theirs.attributes - _PASSING),
        "selectable": theirs.selectable,
        "mailbox_id": theirs.mailbox_id,
        "total_count": _count(theirs, theirs.messages, ours.total if ours else 0),
        "unread_count": _count(theirs, theirs.unseen, ours.unread if ours else 0),
    }


def _count(theirs: RemoteFolder, told: int | None, before: int) -> int:
    if not theirs.selectable:
        return 0
    return before if told is None else min(told, MAX_COUNT)


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
