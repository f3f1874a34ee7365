"""The list of folders as the server gives it: made, renamed, updated, deleted."""

from collections.abc import Mapping
from dataclasses import replace
from uuid import UUID, uuid4

from mail.models import Folder
from mail.store.batch import Batch
from mail.store.folders import folders_made_here
from mail.sync.tree import Kin, kin
from mail.types import FolderPlan, LocalFolder, RemoteFolder

_PASSING = frozenset({"\\Marked", "\\Unmarked", "\\UnMarked"})  # hints about new mail, not about the folder
MAX_COUNT = 2**31 - 1  # what the column holds; RFC 3501 allows twice that


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
    waiting = {ours.name: ours for ours in folders_made_here(batch)}
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
