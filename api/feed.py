"""Pages of an account's change log as the API shows them, for who asks and for who waits."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from accounts.models import Account
from api import objects
from api.errors import CursorGone, InvalidRequest
from api.parameters import Parameter, choice, some_of, text
from api.serializers.changes import changes as change_objects
from api.serializers.changes import ids
from mail import changes

CURSOR = text("cursor", "The next_cursor of the page before; absent: from the log's beginning.")
FILTERS: tuple[Parameter, ...] = (
    some_of("include_types", "Types of objects; seq then has holes.", *objects.CHANGED),
    some_of("exclude_types", "Types of objects that are left out; seq then has holes.", *objects.CHANGED),
    choice("view", "expanded, as it is without it: with each object; ids: without.", "ids", "expanded"),
)
_CURSOR = re.compile(r"\d{1,18}", re.ASCII)
_GONE = (
    "{what}, the log begins after {floor}. Get delta/latest_cursor, list everything, then start again from that cursor "
    "(it is {latest} now)."
)


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, and the cursor after them. `last`: the log's end when they were read."""

    entries: list[objects.Change]
    end: int
    last: int


@dataclass(frozen=True, slots=True)
class Feed:
    """What a query asks of an account's log. `types`: of objects; None: all. `narrow`: without the objects."""

    account: Account
    types: frozenset[str] | None
    narrow: bool

    @classmethod
    def of(cls, account: Account, query: Mapping[str, Any]) -> Self:
        """Raises InvalidRequest."""
        return cls(account, _types(query), query.get("view") == "ids")

    def start(self, cursor: str | None, limit: int) -> Page:
        """The page after a cursor that a client gave. Raises InvalidRequest, CursorGone."""
        return self._page(self._begin(cursor, limit)[1])

    def place(self, cursor: str | None) -> int:
        """Where in the log a client's cursor is. Raises InvalidRequest, CursorGone."""
        return self._begin(cursor, 1)[0]

    def after(self, seq: int, limit: int) -> Page:
        """The page after a place in the log. Raises InvalidRequest, CursorGone."""
        return self.start(str(seq), limit)

    def _begin(self, cursor: str | None, limit: int) -> tuple[int, changes.Page]:
        if cursor is not None and not _CURSOR.fullmatch(cursor):
            raise InvalidRequest("The cursor is not one that this API gave.")
        seq = self.account.log_floor if cursor is None else int(cursor)
        while True:
            try:
                return seq, self._read(seq, limit)
            except changes.CursorExpired as error:
                if cursor is not None:
                    raise _gone(self.account, f"The cursor {cursor} has expired", error.floor) from error
                seq = error.floor  # the log may lose its oldest rows between two queries: it begins elsewhere then

    def _read(self, seq: int, limit: int) -> changes.Page:
        try:
            return changes.read(self.account.pk, seq, limit, self.types)
        except changes.CursorInvalid as error:
            raise InvalidRequest(str(error)) from error

    def _page(self, found: changes.Page) -> Page:
        """As many of the entries as fit into an answer."""
        page = ids(found.changes) if self.narrow else change_objects(self.account, found.changes)
        end = found.end if len(page) == len(found.changes) else page[-1]["seq"]
        return Page(page, end, found.last)


def since(account: Account, time: datetime) -> int:
    """The cursor after which are all changes from a time on. Raises CursorGone."""
    try:
        return changes.since(account.pk, time)
    except changes.CursorExpired as error:
        raise _gone(account, f"Changes of {time.isoformat()} may have expired", error.floor) from error


def _types(query: Mapping[str, Any]) -> frozenset[str] | None:
    if "include_types" in query and "exclude_types" in query:
        raise InvalidRequest("Give include_types or exclude_types, not both.")
    left_out: Collection[str] = query.get("exclude_types", ())
    if left_out:
        return frozenset(objects.CHANGED) - set(left_out)
    return frozenset(query["include_types"]) if "include_types" in query else None


def _gone(account: Account, what: str, floor: int) -> CursorGone:
    return CursorGone(_GONE.format(what=what, floor=floor, latest=changes.latest(account.pk)))
