"""Pages: newest first by (time, id), so that what arrives or goes between two pages neither repeats nor hides a row."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import QuerySet

from api.errors import InvalidRequest
from api.listing import Listing, Newest, Place
from api.parameters import number, text

LIMIT = number("limit", "At most this many objects.", default=50, least=1, most=200)
PAGE_TOKEN = text("page_token", "The next_cursor of the page before.")
PAGE_BYTES = 64 * 1024 * 1024  # of mail in one page, whatever the limit: answers are mostly made in memory
_WINDOW = frozenset({"limit", "page_token", "select", "fields"})  # may differ from page to page of one query
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages of one query. A token of one query is refused by another: its place would mean nothing there."""

    fingerprint: str
    limit: int
    after: Place | None

    @classmethod
    def of(cls, scope: str, query: Mapping[str, Any]) -> "Pages":
        """The page that a query asks for; `scope` tells apart listings and grants. Raises InvalidRequest."""
        asked = json.dumps([scope, sorted((k, str(v)) for k, v in query.items() if k not in _WINDOW)])
        fingerprint = hashlib.sha256(asked.encode()).hexdigest()[:16]
        token = query.get("page_token")
        return cls(fingerprint, query.get("limit", 50), _decode(token, fingerprint) if token else None)

    def rows(self, listing: QuerySet[Any, Any], at: str, row_id: str) -> list[Place]:
        """The places of this page's rows, and of one more if there are more."""
        return self.found(Listing(listing, at, row_id))

    def found(self, listing: Listing | Newest) -> list[Place]:
        """The same of a listing that knows more ways to its rows."""
        return listing.newest(self.limit + 1, self.after)

    def next_cursor(self, places: Sequence[Place], cut: UUID | None) -> str | None:
        """The token of the page after these places, None if they are all. `cut`: the last row that was sent, where not
        all of them fitted into an answer."""
        if cut is None and len(places) <= self.limit:
            return None
        last = next(place for place in places if place.id == cut) if cut else places[self.limit - 1]
        micros = (last.at - _EPOCH) // timedelta(microseconds=1)
        packed = json.dumps([self.fingerprint, micros, last.id.hex], separators=(",", ":"))
        return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def _decode(token: str, fingerprint: str) -> Place:
    try:
        packed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        told, micros, row_id = json.loads(packed)
        place = Place(_EPOCH + timedelta(microseconds=micros), UUID(hex=row_id))
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        raise InvalidRequest("The page_token is not one that this API gave.") from None
    if told != fingerprint:
        raise InvalidRequest("The page_token belongs to another query: keep the other parameters as they were.")
    return place


def fitting(rows: Sequence[tuple[Row, int]], budget: int = PAGE_BYTES) -> list[Row]:
    """The rows of (row, bytes) pairs that fit into a page: as many from the first as stay within it, at least one."""
    taken: list[Row] = []
    for row, size in rows:
        budget -= size
        if budget < 0 and taken:
            break
        taken.append(row)
    return taken
