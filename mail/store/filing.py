"""Folders that are made, renamed and deleted here: as they are noted, and once their server has done it."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID, uuid4

from django.db import connection

from mail.copying import plain_array
from mail.models import ActionKind, Folder, FolderState
from mail.store.batch import Batch
from mail.store.listed import delete_folder
from mail.sync.naming import Known, Spot
from mail.types import LocalFolder, NewFolder

_WISH = """
INSERT INTO mail_action (id, account_id, kind, folder, name, folders, tries, next_try_at)
VALUES (gen_random_uuid(), %s, %s, %s, %s, %s::uuid[], %s, coalesce((
    SELECT max(next_try_at) FROM mail_action WHERE account_id = %s AND state = 'pending' AND folder = %s), now()))
"""
_SUPERSEDE = """
UPDATE mail_action SET state = 'superseded', error = '', ended_at = now()
WHERE account_id = %(account)s AND folder = %(folder)s AND state = 'pending' AND kind = ANY(%(kinds)s)
  AND (%(all)s OR number = (SELECT max(number) FROM mail_action
                            WHERE account_id = %(account)s AND state = 'pending' AND folder IS NOT NULL))
RETURNING tries, folders
"""
_RENAME = """
UPDATE mail_folder SET name = %(name)s || substr(name, length(%(old_name)s) + 1),
    wire_name = %(wire)s || substr(wire_name, length(%(old_wire)s) + 1)
WHERE account_id = %(account)s AND (id = %(folder)s OR starts_with(wire_name, %(old_wire)s || %(delimiter)s))
RETURNING id, wished_name = '' AND NOT hidden
"""
_LEAVING = """
SELECT EXISTS (
    SELECT 1 FROM mail_action a JOIN mail_location l ON l.message_id = a.message_id
    WHERE a.account_id = %s AND a.state = 'pending' AND a.kind = 'folders' AND l.folder_id = %s
      AND NOT a.folders @> ARRAY[%s]::uuid[]
)
"""
# What waited for the folder is tried again.
_HURRY = """
UPDATE mail_action SET next_try_at = now()
WHERE account_id = %s AND state = 'pending' AND next_try_at > now() AND (folder = %s OR folders @> ARRAY[%s]::uuid[])
"""


def known_folders(batch: Batch) -> list[Known]:
    """The account's folders as readers see them."""
    rows = Folder.objects.shown().filter(account_id=batch.account_id).order_by("seen_name", "id")
    return [Known(row.pk, row.seen_name, row.delimiter, row.role, frozenset(row.attributes)) for row in rows]


def wish_folder(batch: Batch, spot: Spot, role: str = "") -> UUID:
    """Have a folder here, and then on the server. Returns its id."""
    folder = uuid4()
    _insert(batch, folder, spot.path, spot.delimiter, role)
    _wish(batch, ActionKind.MAKE_FOLDER, folder, spot.own, spot.parents)
    return folder


def remake_folder(batch: Batch, folder: UUID, name: str) -> None:
    """Have a folder again that could not be made, for another try; it may have been found on the server since."""
    if Folder.objects.filter(pk=folder).exists():
        return
    delimiter = next((known.delimiter for known in known_folders(batch) if known.delimiter), "")
    _insert(batch, folder, name, delimiter, "")


def _insert(batch: Batch, folder: UUID, name: str, delimiter: str, role: str) -> None:
    Folder.objects.create(
        id=folder, account_id=batch.account_id, name=name, delimiter=delimiter, role=role, hidden=True
    )  # until the batch is closed: so it is logged as what appears


def wish_renaming(batch: Batch, folder: UUID, spot: Spot) -> None:
    """Have a folder at another place. Takes the place of such a wish that is the last of all, and keeps its parent:
    what was wished of other folders since may need the name that it has in between."""
    parents, tries = spot.parents, 0
    for tried, earlier in _supersede(batch, folder, ActionKind.RENAME_FOLDER, every=False):
        tries = min(tried, 1)
        parents = earlier if parents is None else parents
    _wish(batch, ActionKind.RENAME_FOLDER, folder, spot.own, parents, tries)


def wish_folder_deletion(batch: Batch, folder: UUID) -> None:
    """Have a folder nowhere, nor the mail in it. One of which its server has not heard needs no more."""
    tried = _supersede(batch, folder, ActionKind.MAKE_FOLDER, ActionKind.RENAME_FOLDER)
    is_heard_of = any(tries for tries, _parents in tried)
    if is_heard_of or not Folder.objects.filter(pk=folder, wire_name=None).exists():
        _wish(batch, ActionKind.DELETE_FOLDER, folder, "", None, int(is_heard_of))


def _wish(
    batch: Batch, kind: ActionKind, folder: UUID, name: str, parents: Sequence[UUID] | None, tries: int = 0
) -> None:
    told = None if parents is None else plain_array(parents)
    batch.cursor.execute(_WISH, [batch.account_id, kind, folder, name, told, tries, batch.account_id, folder])
    batch.foldered = True


def _supersede(
    batch: Batch, folder: UUID, *kinds: ActionKind, every: bool = True
) -> list[tuple[int, list[UUID] | None]]:
    batch.cursor.execute(
        _SUPERSEDE,
        {"account": batch.account_id, "folder": folder, "kinds": [str(kind) for kind in kinds], "all": every},
    )
    found: list[tuple[int, list[UUID] | None]] = batch.cursor.fetchall()
    batch.foldered = True
    return found


def folder_made(batch: Batch, folder: UUID, name: str, wire_name: str, made: NewFolder) -> None:
    """The server has it, under this name. It is empty, so that the mirror of it is whole."""
    if Folder.objects.filter(pk=folder).exclude(name=name).exists():  # where all is below the inbox, as it turns out
        inbox = Folder.objects.filter(account_id=batch.account_id, role="inbox")
        for seen in (folder, *inbox.values_list("pk", flat=True)):
            batch.log("folder", seen, "updated")
    known = {"uidvalidity": made.uidvalidity, "uidnext": made.uidnext, "state": FolderState.LIVE} if all(made) else {}
    Folder.objects.filter(pk=folder).update(name=name, wire_name=wire_name, **known)
    batch.foldered = True


def folder_renamed(batch: Batch, ours: LocalFolder, name: str, wire_name: str, wire_delimiter: str) -> None:
    """The server has given it another name, and all below it."""
    batch.cursor.execute(
        _RENAME,
        {
            "account": batch.account_id,
            "folder": ours.id,
            "name": name,
            "old_name": ours.name,
            "wire": wire_name,
            "old_wire": ours.wire_name,
            "delimiter": wire_delimiter,
        },
    )
    for folder, was_seen_by_it in batch.cursor.fetchall():
        if was_seen_by_it:
            batch.log("folder", folder, "updated")
    batch.foldered = True


def folder_gone(batch: Batch, ours: LocalFolder) -> None:
    """The server has deleted it. The messages that were only there become orphans."""
    delete_folder(batch, ours)
    batch.foldered = True


def hold_folders(batch: Batch, folders: Collection[UUID], until: datetime) -> None:
    """What was wished of these folders later waits as long as what is tried now."""
    if folders:
        batch.cursor.execute(
            "UPDATE mail_action SET next_try_at = %s WHERE account_id = %s AND state = 'pending' "
            "AND folder = ANY(%s::uuid[]) AND next_try_at < %s",
            [until, batch.account_id, plain_array(folders), until],
        )


def has_leaving_mail(account_id: UUID, folder: UUID) -> bool:
    """Whether messages of the folder are still to be moved to others."""
    with connection.cursor() as cursor:
        cursor.execute(_LEAVING, [account_id, folder, folder])
        return bool(cursor.fetchone()[0])


def hurry(batch: Batch, folder: UUID) -> None:
    """What waited for this folder need not any more."""
    batch.cursor.execute(_HURRY, [batch.account_id, folder, folder])
