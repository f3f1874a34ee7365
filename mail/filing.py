"""Folders that people make, rename, move and delete here, as mail.actions changes messages.

Every function raises Account.DoesNotExist if the account is removed, and NameRefused, in words, where it cannot be.
"""

from uuid import UUID

from django.db.models import Q

from mail import store
from mail.actions import hurry
from mail.models import Folder
from mail.store import Batch
from mail.sync import naming
from mail.sync.naming import Known, NameRefused, NotListedYet

# What a folder is called that a mailbox lacks, so that every mail program knows its role by it (mail.imap.roles).
_NAMES = {"trash": "Trash", "drafts": "Drafts", "sent": "Sent", "junk": "Junk", "archive": "Archive"}


class FolderUnknown(LookupError):
    """The account has no such folder."""


def make_folder(account_id: UUID, name: str, parent: UUID | None = None) -> UUID:
    """Have a folder of this name below `parent`, or at the top, or, where the name holds the mailbox's delimiter, at
    that path. Returns its id."""
    with store.beside(account_id) as batch:
        spot = naming.for_new(store.known_folders(batch), name, parent)
        folder = store.wish_folder(batch, spot)
        hurry(account_id)
    return folder


def change_folder(
    account_id: UUID, folder: UUID, name: str | None = None, parent: UUID | None = None, *, moves: bool = False
) -> None:
    """Have a folder called otherwise; `moves`: have it below `parent`, or at the top. Raises FolderUnknown."""
    with store.beside(account_id) as batch:
        folders, ours = _found(batch, folder)
        spot = naming.for_known(folders, ours, name, parent, moves=moves)
        if spot.path != ours.name:
            store.wish_renaming(batch, folder, spot)
            hurry(account_id)


def delete_folder(account_id: UUID, folder: UUID) -> None:
    """Have a folder nowhere, nor the mail in it. Raises FolderUnknown."""
    with store.beside(account_id) as batch:
        folders, ours = _found(batch, folder)
        naming.check_changeable(ours)
        naming.check_childless(folders, ours)
        store.wish_folder_deletion(batch, folder)
        hurry(account_id)


def ensure_folder(account_id: UUID, role: str, name: str = "") -> UUID:
    """The folder that has a role (trash, drafts, sent, junk, archive) and can hold mail. It is made, and called `name`,
    where the mailbox has none."""
    with store.beside(account_id) as batch:
        name = name or _NAMES[role]
        its = Q(role=role) | Q(wire_name=None, seen_name=name)  # which has its role once the server lists it
        having = Folder.objects.shown().filter(its, account_id=account_id, selectable=True)
        found = having.order_by("-role", "name").values_list("pk", flat=True).first()
        if found is None:
            spot = naming.for_new(store.known_folders(batch), name, None)
            found = store.wish_folder(batch, spot, role)
            hurry(account_id)
    return found


def _found(batch: Batch, folder: UUID) -> tuple[list[Known], Known]:
    folders = store.known_folders(batch)
    ours = next((each for each in folders if each.id == folder), None)
    if ours is None:
        raise FolderUnknown(str(folder))
    return folders, ours


__all__ = [
    "FolderUnknown",
    "NameRefused",
    "NotListedYet",
    "change_folder",
    "delete_folder",
    "ensure_folder",
    "make_folder",
]
