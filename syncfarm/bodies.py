"""Bounds requests while they arrive, and tells the length of those that come without.

Django's ASGI handler writes a body of any size to disk before it looks who sends it. Django REST framework takes a body
without Content-Length for empty, and the Node SDK sends uploads like that (chunked).
"""

import logging

from asgiref.typing import (
    ASGI3Application,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    HTTPScope,
    Scope,
)
from django.conf import settings
from django.http import parse_cookie

from api import errors

log = logging.getLogger(__name__)

STRANGERS_LIMIT = 1024 * 1024  # bytes, of requests that bring neither a key nor a session


class Bounded:
    """An ASGI application in front of another: 413 for bodies that are too large, whatever Content-Length says."""

    def __init__(self, application: ASGI3Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Django drops what it holds of a body when the client leaves; that is what it is told before the 413."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        headers = _headers(scope)
        body = _Body(receive, _limit(headers), scope)
        body.look_at(headers.get("content-length", ""))
        if not body.too_large:
            await self._serve(scope, body, send)
        if body.too_large:
            await _refuse(send, 413, f"The request's body is larger than {body.limit} bytes.")

    async def _serve(self, scope: HTTPScope, body: "_Body", send: ASGISendCallable) -> None:
        """An OSError before the answer begins is of the file that Django writes a body to: a full disk."""
        begun = False

        async def answer(event: ASGISendEvent) -> None:
            nonlocal begun
            begun = True
            await send(event)

        try:
            await self._application(scope, body.receive, answer)
        except OSError as error:
            if begun:
                raise
            log.error("no request's body can be written to a temporary file: %s", error)  # noqa: TRY400 -- an event
            await _refuse(send, 503, "The farm has no room left for the request's body.")


class _Body:
    """A request's body on its way."""

    def __init__(self, receive: ASGIReceiveCallable, limit: int, scope: HTTPScope) -> None:
        self.limit = limit
        self._scope = scope
        self.too_large = False
        self._receive = receive
        self._arrived = 0

    def look_at(self, announced: str) -> None:
        """Content-Length may tell at once; servers refuse one that is no number."""
        self.too_large = announced.isdecimal() and int(announced[:20]) > self.limit

    async def receive(self) -> ASGIReceiveEvent:
        """The next event; once the body is too large, that the client left."""
        event = await self._receive()
        if event["type"] == "http.request":
            self._arrived += len(event.get("body", b""))
            if not event.get("more_body", False):
                self._tell_length()
        self.too_large = self._arrived > self.limit
        return {"type": "http.disconnect"} if self.too_large else event

    def _tell_length(self) -> None:
        """Django keeps the scope and makes a request of it when the body is there: to write it down twice is no need.

        Where both are sent, Transfer-Encoding overrides Content-Length (RFC 9112 §6.3)."""
        headers = list(self._scope["headers"])
        if self._arrived and (b"content-length" not in dict(headers) or b"transfer-encoding" in dict(headers)):
            told = [header for header in headers if header[0] != b"content-length"]
            self._scope["headers"] = [*told, (b"content-length", b"%d" % self._arrived)]


def _headers(scope: HTTPScope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _limit(headers: dict[str, str]) -> int:
    known = "authorization" in headers or settings.SESSION_COOKIE_NAME in parse_cookie(headers.get("cookie", ""))
    return settings.SYNCFARM_MAX_BODY_BYTES if known else STRANGERS_LIMIT


async def _refuse(send: ASGISendCallable, status: int, words: str) -> None:
    """The rest of the body is read and thrown away by the server, so that the client gets to see the answer."""
    answer = errors.outside(status, words)
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.items()]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": answer.content, "more_body": False})
