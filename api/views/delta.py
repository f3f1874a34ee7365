"""G/delta: the change log. Ours, beside the contract."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from api import objects
from api.errors import CursorGone, InvalidRequest
from api.openapi import Answer
from api.parameters import boolean, choice, moment, number, some_of, text
from api.serializers.changes import changes as change_objects
from api.serializers.changes import ids
from api.views.contract import GrantView
from mail import changes

_CURSOR = re.compile(r"\d{1,18}", re.ASCII)
_GONE = (
    "{what}, the log begins after {floor}. Get delta/latest_cursor, list everything, then start again from that cursor "
    "(it is {latest} now)."
)
PARAMETERS = (
    text("cursor", "The next_cursor of the page before; absent: from the log's beginning."),
    number("limit", "At most this many entries.", default=50, least=1, most=1000),
    boolean("coalesce", "Keep only the last entry of each object in a page; seq then has holes."),
    some_of("include_types", "Types of objects; seq then has holes.", *objects.CHANGED),
    some_of("exclude_types", "Types of objects that are left out; seq then has holes.", *objects.CHANGED),
    choice("view", "expanded, as it is without it: with each object; ids: without.", "ids", "expanded"),
)


class Delta(GrantView):
    """Every change since a cursor. seq is dense: a consumer can check that it missed nothing."""

    parameters = {"GET": PARAMETERS}
    answers = {"GET": Answer(objects.Change, many=True)}

    def get(self, _request: Request, **_path: str) -> Response:
        """Read changes since a cursor. next_cursor is always there; an empty page means: all is read."""
        found = _read(self.account, self.query.get("cursor"), self.query.get("limit", 50), _types(self.query))
        page = ids(found.changes) if self.query.get("view") == "ids" else change_objects(self.account, found.changes)
        end = found.end if len(page) == len(found.changes) else page[-1]["seq"]
        if self.query.get("coalesce"):
            last = {(each["object_type"], each["object_id"]): each["seq"] for each in page}
            page = [each for each in page if each["seq"] == last[each["object_type"], each["object_id"]]]
        return self.success(page, next_cursor=str(end))


class CursorAt(GrantView):
    """A place in the change log by its time."""

    parameters = {"GET": (moment("time", "The time from which on changes are to be read."),)}
    answers = {"GET": Answer(objects.Cursor)}

    def get(self, _request: Request, **_path: str) -> Response:
        """Get the cursor after which are all changes from a time on."""
        if "time" not in self.query:
            raise InvalidRequest("The query parameter 'time' is needed: Unix seconds.")
        cursor = str(_since(self.account, self.query["time"]))
        return self.success({"cursor": cursor}, next_cursor=cursor)


class LatestCursor(GrantView):
    """The end of the change log."""

    answers = {"GET": Answer(objects.Cursor)}

    def get(self, _request: Request, **_path: str) -> Response:
        """Get the cursor of the log's end: take it, list what there is, then read changes since it."""
        cursor = str(changes.latest(self.account.pk))
        return self.success({"cursor": cursor}, next_cursor=cursor)


def _types(query: Mapping[str, Any]) -> Collection[str] | None:
    """The types that a query asks for; None: all. Raises InvalidRequest."""
    if "include_types" in query and "exclude_types" in query:
        raise InvalidRequest("Give include_types or exclude_types, not both.")
    if "exclude_types" in query:
        return set(objects.CHANGED) - set(query["exclude_types"])
    return query.get("include_types")


def _since(account: Account, time: datetime) -> int:
    try:
        return changes.since(account.pk, time)
    except changes.CursorExpired as error:
        raise _gone(account, f"Changes of {time.isoformat()} may have expired", error.floor) from error


def _read(account: Account, cursor: str | None, limit: int, types: Collection[str] | None) -> changes.Page:
    if cursor is None:
        return _from_the_beginning(account, limit, types)
    if not _CURSOR.fullmatch(cursor):
        raise InvalidRequest("The cursor is not one that this API gave.")
    try:
        return changes.read(account.pk, int(cursor), limit, types)
    except changes.CursorInvalid as error:
        raise InvalidRequest(str(error)) from error
    except changes.CursorExpired as error:
        raise _gone(account, f"The cursor {cursor} has expired", error.floor) from error


def _gone(account: Account, what: str, floor: int) -> CursorGone:
    return CursorGone(_GONE.format(what=what, floor=floor, latest=changes.latest(account.pk)))


def _from_the_beginning(account: Account, limit: int, types: Collection[str] | None) -> changes.Page:
    """The log may lose its oldest rows between two queries: then its beginning is another."""
    floor = account.log_floor
    while True:
        try:
            return changes.read(account.pk, floor, limit, types)
        except changes.CursorExpired as error:
            floor = error.floor
