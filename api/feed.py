"""Pages of the change log as the API shows them, of a grant or of all, for who asks and for who waits."""

import base64
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any, Protocol, Self
from uuid import UUID

from accounts.models import Account
from api import objects
from api.errors import CursorGone, InvalidRequest
from api.parameters import Parameter, choice, some_of, text
from api.serializers.changes import changes as change_objects
from api.serializers.changes import ids
from mail import changes, rounds

CURSOR = text("cursor", "The next_cursor of the page before; absent: from the log's beginning.")
FILTERS: tuple[Parameter, ...] = (
    some_of("include_types", "Types of objects; seq then has holes.", *objects.CHANGED),
    some_of("exclude_types", "Types of objects that are left out; seq then has holes.", *objects.CHANGED),
    choice("view", "expanded, as it is without it: with each object; ids: without.", "ids", "expanded"),
)
_SEQ = re.compile(r"\d{1,18}", re.ASCII)
_GONE = (
    "{what}, the log begins after {floor}. Get delta/latest_cursor, list everything, then start again from that cursor "
    "(it is {latest} now)."
)
_FARM_GONE = (
    "The cursor has expired. Get /v3/delta/latest_cursor, list everything of every grant, then start again from that "
    "cursor."
)


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, and the cursor after them. `more`: there is, or will be in a moment, something after it."""

    entries: Sequence[objects.Change | objects.FarmChange]
    end: str
    more: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """What a query wants of a log. `types`: of objects; None: all. `narrow`: without the objects."""

    types: frozenset[str] | None
    narrow: bool

    @classmethod
    def of(cls, query: Mapping[str, Any]) -> Self:
        """Raises InvalidRequest."""
        return cls(_types(query), query.get("view") == "ids")


class Feed(Protocol):
    """Changes that somebody follows. Those that are equal have the same pages."""

    def __hash__(self) -> int:
        """As for what is equal."""

    def place(self, cursor: str | None) -> str:
        """The cursor that a client gave, or one of the beginning. Raises InvalidRequest, CursorGone."""

    def page(self, cursor: str | None, limit: int) -> Page:
        """What comes after a cursor. Raises InvalidRequest, CursorGone, Account.DoesNotExist."""


@dataclass(frozen=True, slots=True)
class GrantFeed:
    """An account's log."""

    account: Account
    choice: Choice

    def place(self, cursor: str | None) -> str:
        """As Feed has it."""
        return str(self._begin(cursor, 1)[0])

    def page(self, cursor: str | None, limit: int) -> Page:
        """As Feed has it."""
        _seq, found = self._begin(cursor, limit)
        entries = ids(found.changes) if self.choice.narrow else change_objects(self.account, found.changes)
        end = found.end if len(entries) == len(found.changes) else entries[-1]["seq"]
        return Page(entries, str(end), end < found.last)

    def _begin(self, cursor: str | None, limit: int) -> tuple[int, changes.Page]:
        if cursor is not None and not _SEQ.fullmatch(cursor):
            raise _not_ours()
        seq = self.account.log_floor if cursor is None else int(cursor)
        while True:
            try:
                return seq, changes.read(self.account.pk, seq, limit, self.choice.types)
            except changes.CursorInvalid as error:
                raise InvalidRequest(str(error)) from error
            except changes.CursorExpired as error:
                if cursor is not None:
                    raise _gone(self.account, f"The cursor {cursor} has expired", error.floor) from error
                seq = error.floor  # the log may lose its oldest rows between two queries: it begins elsewhere then


@dataclass(frozen=True, slots=True)
class FarmFeed:
    """The logs of all grants of an application, removed ones among them."""

    application_id: UUID
    choice: Choice

    def place(self, cursor: str | None) -> str:
        """As Feed has it."""
        place = _unpacked(cursor)
        self._read(place, 1)
        return packed(place)

    def page(self, cursor: str | None, limit: int) -> Page:
        """As Feed has it."""
        found = self._read(_unpacked(cursor), limit)
        entries: list[objects.FarmChange] = []
        accounts = Account.objects.in_bulk({entry.account_id for entry in found.entries})
        for account_id, group in groupby(found.entries, key=attrgetter("account_id")):
            own = [*group]
            told = [entry.change for entry in own]
            shown = ids(told) if self.choice.narrow else change_objects(accounts[account_id], told)
            grant = str(account_id)
            entries += [{**each, "grant_id": grant, "cursor": packed(entry.place)} for each, entry in zip(shown, own)]  # noqa: B905 -- as many as fit
            if len(shown) < len(own):
                return Page(entries, entries[-1]["cursor"], more=True)
        return Page(entries, packed(found.place), found.pending)

    def _read(self, place: rounds.Place, limit: int) -> rounds.Page:
        try:
            return rounds.read(self.application_id, place, limit, self.choice.types)
        except changes.CursorExpired as error:
            raise CursorGone(_FARM_GONE) from error


def packed(place: rounds.Place) -> str:
    """A place as a cursor."""
    told = [place.low, place.high, place.account_id.hex if place.account_id else None, place.seq]
    return base64.urlsafe_b64encode(json.dumps(told, separators=(",", ":")).encode()).decode().rstrip("=")


def _unpacked(cursor: str | None) -> rounds.Place:
    """Raises InvalidRequest."""
    if cursor is None:
        return rounds.BEGINNING
    try:
        low, high, account, seq = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        place = rounds.Place(int(low), int(high), None if account is None else UUID(hex=account), int(seq))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise _not_ours() from None
    if packed(place) != cursor or not all(-1 <= number < 2**62 for number in (place.low, place.high, place.seq)):
        raise _not_ours()
    return place


def _not_ours() -> InvalidRequest:
    return InvalidRequest("The cursor is not one that this API gave.")


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
