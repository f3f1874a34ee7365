"""Folders: a tree by path, counted in memory, since an account has few."""

from accounts.models import Account
from api import objects
from mail.models import Folder
from mail.sync.tree import Kin, kin


def folders(account: Account) -> list[objects.Folder]:
    """All folders of an account, by name. One query."""
    rows = list(Folder.objects.shown().filter(account_id=account.pk).order_by("seen_name", "id"))
    tree = kin((row.pk, row.seen_name, row.delimiter) for row in rows)
    return [_folder(row, tree[row.pk]) for row in rows]


def _folder(row: Folder, place: Kin) -> objects.Folder:
    return {
        "id": str(row.pk),
        "grant_id": str(row.account_id),
        "object": "folder",
        "name": row.seen_name,
        "parent_id": str(place.parent) if place.parent else None,
        "system_folder": bool(row.role),
        "child_count": place.children,
        "unread_count": row.unread_count,
        "total_count": row.total_count,
        "attributes": row.attributes,
    }
