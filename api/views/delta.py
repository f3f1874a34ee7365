"""G/delta and delta: the change log of a grant, and of all. Ours, beside the contract."""

from rest_framework.request import Request
from rest_framework.response import Response

from api import objects
from api.errors import InvalidRequest
from api.feed import CURSOR, FILTERS, Choice, FarmFeed, Feed, GrantFeed, packed, since
from api.openapi import Answer
from api.parameters import boolean, moment, number
from api.views.contract import ContractView, GrantView
from mail import changes, rounds

LIMIT = number("limit", "At most this many entries.", default=50, least=1, most=1000)
COALESCE = boolean("coalesce", "Keep only the last entry of each object in a page; seq then has holes.")


class GrantLog(GrantView):
    """The log of a grant."""

    def feed(self) -> Feed:
        """What the query wants of it. Raises InvalidRequest."""
        return GrantFeed(self.account, Choice.of(self.query))


class FarmLog(ContractView):
    """The logs of all grants of the key's application, as one."""

    application_only = frozenset({"GET"})

    def feed(self) -> Feed:
        """What the query wants of them. Raises InvalidRequest."""
        return FarmFeed(self.key.application_id, Choice.of(self.query))


class Delta(GrantLog):
    """Every change since a cursor. seq is dense: a consumer can check that it missed nothing."""

    parameters = {"GET": (CURSOR, LIMIT, COALESCE, *FILTERS)}
    answers = {"GET": Answer(objects.Change, many=True)}

    def get(self, _request: Request, **_path: str) -> Response:
        """Read changes since a cursor. next_cursor is always there; an empty page means: all is read."""
        found = self.feed().page(self.query.get("cursor"), self.query.get("limit", 50))
        page = found.entries
        if self.query.get("coalesce"):
            last = {(each["object_type"], each["object_id"]): each["seq"] for each in page}
            page = [each for each in page if each["seq"] == last[each["object_type"], each["object_id"]]]
        return self.success(page, next_cursor=found.end)


class FarmDelta(FarmLog):
    """Every change of every grant since a cursor. seq is dense within a grant."""

    parameters = {"GET": (CURSOR, LIMIT, *FILTERS)}
    answers = {"GET": Answer(objects.FarmChange, many=True)}

    def get(self, _request: Request, **_path: str) -> Response:
        """Read changes of all grants since a cursor. A short page may be followed by more: what is being written."""
        found = self.feed().page(self.query.get("cursor"), self.query.get("limit", 50))
        return self.success(found.entries, next_cursor=found.end)


class FarmLatestCursor(FarmLog):
    """The end of the feed of all grants."""

    answers = {"GET": Answer(objects.Cursor)}

    def get(self, _request: Request, **_path: str) -> Response:
        """Get the cursor of the feed's end: take it, list what there is, then read changes since it."""
        cursor = packed(rounds.latest())
        return self.success({"cursor": cursor}, next_cursor=cursor)


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
