"""What readers see of folders while changes of them that were made here are on their way to the server."""

from typing import Any
from uuid import UUID

from mail.sync.overlay import FolderWish, Overlay, Row, overlay
from mail.sync.tree import Kin, kin

_ROWS = """
SELECT id, name, delimiter, wire_name IS NOT NULL, wished_name, seen_name, hidden FROM mail_folder
WHERE account_id = %s ORDER BY id
"""
_WISHES = """
SELECT folder, kind = 'make_folder', kind = 'delete_folder', name, folders FROM mail_action
WHERE account_id = %s AND state = 'pending' AND folder IS NOT NULL ORDER BY number
"""
_UPDATE = "UPDATE mail_folder SET name = %s, wished_name = %s, hidden = %s WHERE id = %s"


def refresh_folders(cursor: Any, account_id: UUID) -> list[tuple[UUID, str]]:
    """Bring an account's folders in line with what was changed of them here; (folder, created | updated | deleted) of
    those that a reader sees otherwise now. What was to be made, and is not, goes."""
    cursor.execute(_ROWS, [account_id])
    rows = cursor.fetchall()
    cursor.execute(_WISHES, [account_id])
    found = overlay([Row(*row[:4]) for row in rows], [FolderWish(*row) for row in cursor.fetchall()])
    before = {row[0]: (row[5], row[2]) for row in rows if not row[6]}
    after: dict[UUID, tuple[str, str]] = {}
    for folder, name, delimiter, _made, wished, _seen, was_hidden in rows:
        if folder in found.abandoned:
            cursor.execute("DELETE FROM mail_folder WHERE id = %s", [folder])
            continue
        now = _columns(found, folder)
        if now != (name, wished, was_hidden):
            cursor.execute(_UPDATE, [*now, folder])
        if folder not in found.hidden:
            after[folder] = (found.seen[folder], delimiter)
    return _differences(before, after)


def _columns(found: Overlay, folder: UUID) -> tuple[str, str, bool]:
    base, seen = found.base[folder], found.seen[folder]
    return base, seen if seen != base else "", folder in found.hidden


def _differences(before: dict[UUID, tuple[str, str]], after: dict[UUID, tuple[str, str]]) -> list[tuple[UUID, str]]:
    """Parent and child count are part of a folder in the API."""
    old, new = _places(before), _places(after)
    told = [(folder, "created") for folder in new if folder not in old]
    told += [(folder, "updated") for folder in new if folder in old and new[folder] != old[folder]]
    return told + [(folder, "deleted") for folder in old if folder not in new]


def _places(folders: dict[UUID, tuple[str, str]]) -> dict[UUID, tuple[str, Kin]]:
    tree = kin((folder, name, delimiter) for folder, (name, delimiter) in folders.items())
    return {folder: (name, tree[folder]) for folder, (name, _delimiter) in folders.items()}
