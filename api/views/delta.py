"""G/delta: the change log. Ours, beside the contract."""

import re

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from api import objects
from api.errors import CursorGone, InvalidRequest
from api.openapi import Answer
from api.parameters import boolean, number, text
from api.serializers.changes import changes as change_objects
from api.views.contract import GrantView
from mail import changes

_CURSOR = re.compile(r"\d{1,18}", re.ASCII)
PARAMETERS = (
    text("cursor", "The next_cursor of the page before; absent: from the log's beginning."),
    number("limit", "At most this many entries.", default=50, least=1, most=1000),
    boolean("coalesce", "Keep only the last entry of each object in a page; seq then has holes."),
)


class Delta(GrantView):
    """Every change since a cursor. seq is dense: a consumer can check that it missed nothing."""

    parameters = {"GET": PARAMETERS}
    answers = {"GET": Answer(objects.Change, many=True)}

    def get(self, _request: Request, **_path: str) -> Response:
        """Read changes since a cursor. next_cursor is always there; an empty page means: all is read."""
        after, entries = _read(self.account, self.query.get("cursor"), self.query.get("limit", 50))
        page = change_objects(self.account, entries)
        end = page[-1]["seq"] if page else after
        if self.query.get("coalesce"):
            last = {(each["object_type"], each["object_id"]): each["seq"] for each in page}
            page = [each for each in page if each["seq"] == last[each["object_type"], each["object_id"]]]
        return self.success(page, next_cursor=str(end))


class LatestCursor(GrantView):
    """The end of the change log."""

    answers = {"GET": Answer(objects.Cursor)}

    def get(self, _request: Request, **_path: str) -> Response:
        """Get the cursor of the log's end: take it, list what there is, then read changes since it."""
        cursor = str(changes.latest(self.account.pk))
        return self.success({"cursor": cursor}, next_cursor=cursor)


def _read(account: Account, cursor: str | None, limit: int) -> tuple[int, list[changes.Change]]:
    """Where the page begins, and its entries."""
    if cursor is None:
        return _from_the_beginning(account, limit)
    if not _CURSOR.fullmatch(cursor):
        raise InvalidRequest("The cursor is not one that this API gave.")
    try:
        return int(cursor), changes.read(account, int(cursor), limit)
    except changes.CursorInvalid as error:
        raise InvalidRequest(str(error)) from error
    except changes.CursorExpired as error:
        raise CursorGone(
            f"The cursor {cursor} has expired, the log begins after {error.floor}. Get delta/latest_cursor, list "
            f"everything, then start again from that cursor (it is {changes.latest(account.pk)} now)."
        ) from error


def _from_the_beginning(account: Account, limit: int) -> tuple[int, list[changes.Change]]:
    """The log may lose its oldest rows between two queries: then its beginning is another."""
    floor = account.log_floor
    while True:
        try:
            return floor, changes.read(account, floor, limit)
        except changes.CursorExpired as error:
            floor = error.floor
