"""Folders as a tree: by their paths, since IMAP has no other."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Kin:
    """A folder's place in the tree."""

    parent: UUID | None
    children: int


def kin(folders: Iterable[tuple[UUID, str, str]]) -> Mapping[UUID, Kin]:
    """Parents and child counts of an account's folders, given as (id, full name, delimiter).

    A folder whose parent's path is no folder itself has no parent.
    """
    listed = list(folders)
    by_name = {name: folder for folder, name, _delimiter in listed}
    parents = {folder: _parent(name, delimiter, by_name) for folder, name, delimiter in listed}
    children = Counter(parents.values())
    return {folder: Kin(parent, children[folder]) for folder, parent in parents.items()}


def _parent(name: str, delimiter: str, by_name: Mapping[str, UUID]) -> UUID | None:
    path, found, _own = name.rpartition(delimiter) if delimiter else ("", "", "")
    return by_name.get(path) if found else None
