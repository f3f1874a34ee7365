"""delta/streaming and delta/longpoll, of a grant and of all: the change log for readers that wait. Ours, beside the
contract."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

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
from api.views.contract import ContractView
from api.views.delta import LIMIT, FarmLog, GrantLog
from api.waiting import Followed, Topic, Waiting
from mail.connecting import release_database_connection

HEARTBEAT = 15.0  # seconds without a word: proxies hang up after thirty, or more
LIFETIME = 3600.0  # seconds; a reader that comes again may find another process, and a newer one
_PAGE = 100  # entries that are read, and sent, together
_MOMENT = 0.02  # seconds
TIMEOUT = number("timeout", "Seconds to wait at most.", default=30, most=60)

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
    def entry(change: Mapping[str, Any]) -> bytes:
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
    def entry(change: Mapping[str, Any]) -> bytes:
        """One change."""
        cursor = str(change.get("cursor", change["seq"])).encode()
        return b"id: %s\nevent: change\ndata: %s\n\n" % (cursor, orjson.dumps(change))

    @staticmethod
    def gone(message: str) -> bytes:
        """That the stream ends, and why."""
        return b"event: error\ndata: %s\n\n" % orjson.dumps({"type": "cursor_expired", "message": message})


class Reader:
    """Somebody who reads a feed, and waits at its end. `cursor`: what was read last."""

    def __init__(self, feed: Feed, topic: Topic, key_id: int, cursor: str) -> None:
        self._feed = feed
        self._topic = topic
        self._key_id = key_id
        self.cursor = cursor

    async def stream(self, form: type[Lines | Events]) -> AsyncIterator[bytes]:
        """Changes for ever, or nearly; a word now and then where there are none."""
        end = _now() + LIFETIME
        yield form.heartbeat  # that the stream is open
        with waiting.following(self._topic, self._key_id) as followed:
            while self._may_go_on(followed) and _now() < end:
                news = followed.news
                try:
                    page = await self._read(_PAGE)
                except (CursorGone, InvalidRequest, Account.DoesNotExist) as error:
                    yield form.gone(str(error))
                    return
                if page.entries:
                    yield b"".join(map(form.entry, page.entries))
                if page.more:
                    await _a_moment(page)
                    continue
                while not await followed.after(news, min(HEARTBEAT, end - _now())):
                    if not self._may_go_on(followed) or _now() >= end:
                        return
                    yield form.heartbeat

    async def poll(self, limit: int, seconds: float) -> Page:
        """What comes next, if something does within that time. Raises what `Feed.page` raises."""
        end = _now() + seconds
        with waiting.following(self._topic, self._key_id) as followed:
            while True:
                news = followed.news
                page = await self._read(limit)
                if page.entries or _now() >= end or not self._may_go_on(followed):
                    return page
                if page.more:
                    await _a_moment(page)
                else:
                    await followed.after(news, end - _now())

    async def _read(self, limit: int) -> Page:
        cursor, feed = self.cursor, self._feed
        page = await waiting.read((feed, cursor, limit), lambda: feed.page(cursor, limit))
        self.cursor = page.end
        return page

    def _may_go_on(self, followed: Followed) -> bool:
        return not followed.gone and self._key_id not in waiting.revoked


class _Waited(ContractView):
    """Readers of a log that wait."""

    content_negotiation_class = AnythingAccepted

    def feed(self) -> Feed:
        """What they read. Raises InvalidRequest."""
        raise NotImplementedError

    def topic(self) -> Topic:
        """What they wait for."""
        return Topic(self.key.application_id)

    def reader(self, cursor: str | None) -> Reader:
        """Raises InvalidRequest, CursorGone: later there is no status to tell it with."""
        feed = self.feed()
        begin = feed.place(cursor)
        release_database_connection()
        return Reader(feed, self.topic(), self.key.pk, begin)


class _OfGrant(GrantLog):
    def topic(self) -> Topic:
        """The grant's log alone."""
        return Topic(self.account.application_id, self.account.pk)


class _Streamed(_Waited):
    parameters = {"GET": (CURSOR, *FILTERS)}
    answers = {"GET": Answer(media=Lines.media)}

    def get(self, request: Request, **_path: str) -> HttpResponseBase:
        """Read changes since a cursor, and to come: NDJSON, or server-sent events for `Accept: text/event-stream`.

        Every 15 seconds comes an empty line, or a comment; after an hour it ends: come back with the last cursor (of a
        grant, the last seq)."""
        form = Events if Events.media in request.headers.get("Accept", "") else Lines
        reader = self.reader(request.headers.get("Last-Event-ID") or self.query.get("cursor"))
        answer = StreamingHttpResponse(reader.stream(form), content_type=form.media)
        answer["X-Accel-Buffering"] = "no"  # nginx would keep it until there is more
        return answer


class _Polled(_Waited):
    parameters = {"GET": (CURSOR, LIMIT, TIMEOUT, *FILTERS)}

    def get(self, _request: Request, **_path: str) -> HttpResponseBase:
        """Read changes since a cursor, as soon as there are any. An empty page: there were none within the time."""
        reader = self.reader(self.query.get("cursor"))
        return StreamingHttpResponse(self._answer(reader), content_type="application/json")

    async def _answer(self, reader: Reader) -> AsyncIterator[bytes]:
        entries: Sequence[Mapping[str, Any]] = []
        with suppress(CursorGone, InvalidRequest, Account.DoesNotExist):  # the next request is told so
            entries = (await reader.poll(self.query.get("limit", 50), self.query.get("timeout", 30))).entries
        yield orjson.dumps({"request_id": self.request_id, "data": entries, "next_cursor": reader.cursor})


class DeltaStream(_OfGrant, _Streamed):
    """Changes while they happen."""


class FarmDeltaStream(FarmLog, _Streamed):
    """Changes of all grants while they happen."""


class DeltaLongPoll(_OfGrant, _Polled):
    """The next changes."""

    answers = {"GET": Answer(objects.Change, many=True)}


class FarmDeltaLongPoll(FarmLog, _Polled):
    """The next changes of all grants."""

    answers = {"GET": Answer(objects.FarmChange, many=True)}


async def _a_moment(page: Page) -> None:
    """Something is being written that comes before what is there."""
    if not page.entries:
        await asyncio.sleep(_MOMENT)


def _now() -> float:
    return asyncio.get_running_loop().time()
