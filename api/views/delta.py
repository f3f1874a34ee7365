"""G/delta: the change log. Ours, beside the contract."""

from rest_framework.request import Request
from rest_framework.response import Response

from api import objects
from api.errors import InvalidRequest
from api.feed import CURSOR, FILTERS, Feed, since
from api.openapi import Answer
from api.parameters import boolean, moment, number
from api.views.contract import GrantView
from mail import changes

LIMIT = number("limit", "At most this many entries.", default=50, least=1, most=1000)


class Delta(GrantView):
    """Every change since a cursor. seq is dense: a consumer can check that it missed nothing."""

    parameters = {
        "GET": (
            CURSOR,
            LIMIT,
            boolean("coalesce", "Keep only the last entry of each object in a page; seq then has holes."),
            *FILTERS,
        )
    }
    answers = {"GET": Answer(objects.Change, many=True)}

    def get(self, _request: Request, **_path: str) -> Response:
        """Read changes since a cursor. next_cursor is always there; an empty page means: all is read."""
        found = Feed.of(self.account, self.query).start(self.query.get("cursor"), self.query.get("limit", 50))
        page = found.entries
        if self.query.get("coalesce"):
            last = {(each["object_type"], each["object_id"]): each["seq"] for each in page}
            page = [each for each in page if each["seq"] == last[each["object_type"], each["object_id"]]]
        return self.success(page, next_cursor=str(found.end))


class CursorAt(GrantView):
    """A place in the change log by its time."""

    parameters = {"GET": (moment("time", "The time from which on changes are to be read."),)}
    answers = {"GET": Answer(objects.Cursor)}

    def get(self, _request: Request, **_path: str) -> Response:
        """Get the cursor after which are all changes from a time on."""
        if "time" not in self.query:
            raise InvalidRequest("The query parameter 'time' is needed: Unix seconds.")
        cursor = str(since(self.account, self.query["time"]))
        return self.success({"cursor": cursor}, next_cursor=cursor)


class LatestCursor(GrantView):
    """The end of the change log."""

    answers = {"GET": Answer(objects.Cursor)}

    def get(self, _request: Request, **_path: str) -> Response:
        """Get the cursor of the log's end: take it, list what there is, then read changes since it."""
        cursor = str(changes.latest(self.account.pk))
        return self.success({"cursor": cursor}, next_cursor=cursor)
