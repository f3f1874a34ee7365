"""Folders: a tree by path, counted in memory, since an account has few."""

from collections import Counter
from uuid import UUID

from accounts.models import Account
from api import objects
from mail.models import Folder


def folders(account: Account) -> list[objects.Folder]:
    """All folders of an account, by name. One query."""
    rows = list(Folder.objects.filter(account_id=account.pk).order_by("name", "id"))
    by_name = {row.name: row.pk for row in rows}
    parents = {row.pk: _parent(row, by_name) for row in rows}
    children = Counter(parents.values())
    return [_folder(row, parents[row.pk], children[row.pk]) for row in rows]


def _parent(row: Folder, by_name: dict[str, UUID]) -> UUID | None:
    path, found, _ = row.name.rpartition(row.delimiter) if row.delimiter else ("", "", "")
    return by_name.get(path) if found else None


def _folder(row: Folder, parent: UUID | None, children: int) -> objects.Folder:
    return {
        "id": str(row.pk),
        "grant_id": str(row.account_id),
        "object": "folder",
        "name": row.name,
        "parent_id": str(parent) if parent else None,
        "system_folder": bool(row.role),
        "child_count": children,
        "unread_count": row.unread_count,
        "total_count": row.total_count,
        "attributes": row.attributes,
    }
