"""G/delta/streaming and G/delta/longpoll: the change log for readers that wait. Ours, beside the contract."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress

import orjson
from django.http import HttpResponseBase, StreamingHttpResponse
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from accounts.models import Account
from api import objects
from api.errors import CursorGone, InvalidRequest
from api.feed import CURSOR, FILTERS, Feed, Page
from api.openapi import Answer
from api.parameters import number
from api.views.contract import GrantView
from api.views.delta import LIMIT
from api.waiting import Followed, Waiting
from mail.connecting import release_database_connection

HEARTBEAT = 15.0  # seconds without a word: proxies hang up after thirty, or more
LIFETIME = 3600.0  # seconds; a reader that comes again may find another process, and a newer one
_PAGE = 100  # entries that are read, and sent, together
LONGEST_POLL = 60  # seconds

waiting = Waiting()


class AnythingAccepted(DefaultContentNegotiation):
    """Errors are JSON, whatever kind of stream was asked for."""

    def select_renderer(
        self, _request: Request, renderers: Iterable[BaseRenderer], _format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        """Django REST framework asks."""
        first = next(iter(renderers))
        return first, first.media_type


class Lines:
    """NDJSON: an object a line. An empty line says that all is well."""

    media = "application/x-ndjson"
    heartbeat = b"\n"

    @staticmethod
    def entry(change: objects.Change) -> bytes:
        """One change."""
        return orjson.dumps(change) + b"\n"

    @staticmethod
    def gone(message: str) -> bytes:
        """That the stream ends, and why."""
        return orjson.dumps({"error": {"type": "cursor_expired", "message": message}}) + b"\n"


class Events:
    """Server-sent events (HTML §9.2): `id` is the cursor that a client comes back with as Last-Event-ID."""

    media = "text/event-stream"
    heartbeat = b":\n\n"

    @staticmethod
    def entry(change: objects.Change) -> bytes:
        """One change."""
        return b"id: %d\nevent: change\ndata: %s\n\n" % (change["seq"], orjson.dumps(change))

    @staticmethod
    def gone(message: str) -> bytes:
        """That the stream ends, and why."""
        return b"event: error\ndata: %s\n\n" % orjson.dumps({"type": "cursor_expired", "message": message})


class Reader:
    """Somebody who reads an account's log, and waits at its end. `after`: what was read last."""

    def __init__(self, feed: Feed, key_id: int, after: int) -> None:
        self._feed = feed
        self._key_id = key_id
        self.after = after

    async def stream(self, form: type[Lines | Events]) -> AsyncIterator[bytes]:
        """Changes for ever, or nearly; a word now and then where there are none."""
        end = _now() + LIFETIME
        yield form.heartbeat  # that the stream is open
        with waiting.following(self._feed.account.pk, self._key_id) as followed:
            unread = True
            while self._may_go_on(followed) and _now() < end:
                if not unread:
                    unread = await followed.beyond(self.after, min(HEARTBEAT, end - _now()))
                if not unread:
                    yield form.heartbeat
                    continue
                try:
                    page = await self._read(followed, _PAGE)
                except (CursorGone, InvalidRequest, Account.DoesNotExist) as error:
                    yield form.gone(str(error))
                    return
                unread = followed.end > self.after
                if page.entries:
                    yield b"".join(map(form.entry, page.entries))

    async def poll(self, limit: int, seconds: float) -> Page:
        """What comes next, if something does within that time. Raises what `Feed.after` raises."""
        end = _now() + seconds
        with waiting.following(self._feed.account.pk, self._key_id) as followed:
            while True:
                page = await self._read(followed, limit)
                if page.entries or not await followed.beyond(self.after, end - _now()) or not self._may_go_on(followed):
                    return page

    async def _read(self, followed: Followed, limit: int) -> Page:
        after, feed = self.after, self._feed
        page = await waiting.read(
            (feed.account.pk, feed.types, feed.narrow, after, limit), lambda: feed.after(after, limit)
        )
        self.after = page.end
        followed.tell(page.last)
        return page

    def _may_go_on(self, followed: Followed) -> bool:
        return not followed.gone and self._key_id not in waiting.revoked


class DeltaStream(GrantView):
    """Changes while they happen."""

    content_negotiation_class = AnythingAccepted
    parameters = {"GET": (CURSOR, *FILTERS)}
    answers = {"GET": Answer(media=Lines.media)}

    def get(self, request: Request, **_path: str) -> HttpResponseBase:
        """Read changes since a cursor, and to come: NDJSON, or server-sent events for `Accept: text/event-stream`.

        Every 15 seconds comes an empty line, or a comment; after an hour it ends: come back with the last seq."""
        form = Events if Events.media in request.headers.get("Accept", "") else Lines
        cursor = request.headers.get("Last-Event-ID") or self.query.get("cursor")
        reader = _reader(self, cursor)
        answer = StreamingHttpResponse(reader.stream(form), content_type=form.media)
        answer["X-Accel-Buffering"] = "no"  # nginx would keep it until there is more
        return answer


class DeltaLongPoll(GrantView):
    """The next changes."""

    content_negotiation_class = AnythingAccepted
    parameters = {
        "GET": (CURSOR, LIMIT, number("timeout", "Seconds to wait at most.", default=30, most=LONGEST_POLL), *FILTERS)
    }
    answers = {"GET": Answer(objects.Change, many=True)}

    def get(self, _request: Request, **_path: str) -> HttpResponseBase:
        """Read changes since a cursor, as soon as there are any. An empty page: there were none within the time."""
        reader = _reader(self, self.query.get("cursor"))
        limit, seconds = self.query.get("limit", 50), self.query.get("timeout", 30)
        return StreamingHttpResponse(self._answer(reader, limit, seconds), content_type="application/json")

    async def _answer(self, reader: Reader, limit: int, seconds: float) -> AsyncIterator[bytes]:
        entries: list[objects.Change] = []
        with suppress(CursorGone, InvalidRequest, Account.DoesNotExist):  # the next request is told so
            entries = (await reader.poll(limit, seconds)).entries
        yield orjson.dumps({"request_id": self.request_id, "data": entries, "next_cursor": str(reader.after)})


def _reader(view: GrantView, cursor: str | None) -> Reader:
    """Raises InvalidRequest, CursorGone: later there is no status to tell it with."""
    feed = Feed.of(view.account, view.query)
    after = feed.place(cursor)
    release_database_connection()
    return Reader(feed, view.key.pk, after)


def _now() -> float:
    return asyncio.get_running_loop().time()
