"""The tree of folders as readers see it while changes of it are on their way to the server: pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple
from uuid import UUID


class Row(NamedTuple):
    """A folder of the mirror. `made`: the server has it, under this name."""

    id: UUID
    name: str
    delimiter: str
    made: bool


class FolderWish(NamedTuple):
    """A change of a folder: it is `made`, deleted (`goes`), or has another `name` or parent. `parents` as in Spot."""

    folder: UUID
    made: bool
    goes: bool
    name: str
    parents: Sequence[UUID] | None


@dataclass(slots=True)
class Overlay:
    """What comes of the wishes. `base`: names on the server, now or once what is made here is made; `seen`: what
    readers see; `hidden`: they do not; `abandoned`: neither there nor to be made."""

    base: dict[UUID, str]
    seen: dict[UUID, str]
    hidden: set[UUID] = field(default_factory=set)
    abandoned: set[UUID] = field(default_factory=set)


def overlay(rows: Iterable[Row], wishes: Iterable[FolderWish]) -> Overlay:
    """One wish after the other, in the order in which they were made."""
    by_id = {row.id: row for row in rows}
    names = {row.id: row.name for row in by_id.values()}
    found = Overlay(dict(names), names)
    found.abandoned = {row.id for row in by_id.values() if not row.made}
    for wish in wishes:
        row = by_id.get(wish.folder)
        if row is None:
            continue
        found.abandoned.discard(row.id)
        if wish.goes:
            found.hidden.add(row.id)
        elif wish.made:
            if not row.made:
                found.base[row.id] = _path(found.base, row, wish)
                found.seen[row.id] = _path(found.seen, row, wish)
        else:
            _rename(found.seen, by_id, row, _path(found.seen, row, wish))
    return found


def _path(names: Mapping[UUID, str], row: Row, wish: FolderWish) -> str:
    before, _found, own = names[row.id].rpartition(row.delimiter) if row.delimiter else ("", "", names[row.id])
    own = wish.name or own
    if wish.parents is not None:
        if wish.parents and wish.parents[0] not in names:
            return names[row.id]  # what was to hold it is gone
        before = names[wish.parents[0]] if wish.parents else ""
    return f"{before}{row.delimiter}{own}" if before else own


def _rename(names: dict[UUID, str], rows: Mapping[UUID, Row], row: Row, new: str) -> None:
    old = names[row.id]
    for each, name in names.items():
        if row.delimiter and rows[each].delimiter == row.delimiter and name.startswith(old + row.delimiter):
            names[each] = new + name[len(old) :]
    names[row.id] = new
