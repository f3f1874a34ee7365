"""Refuses large requests while they arrive.

Django's ASGI handler writes a body of any size to disk before it looks who sends it.
"""

from asgiref.typing import ASGI3Application, ASGIReceiveCallable, ASGIReceiveEvent, ASGISendCallable, HTTPScope, Scope
from django.conf import settings
from django.http import parse_cookie

from api import errors

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
        body = _Body(receive, _limit(headers))
        body.look_at(headers.get("content-length", ""))
        if not body.too_large:
            await self._application(scope, body.receive, send)
        if body.too_large:
            await _refuse(send, body.limit)


class _Body:
    """A request's body on its way."""

    def __init__(self, receive: ASGIReceiveCallable, limit: int) -> None:
        self.limit = limit
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
        self.too_large = self._arrived > self.limit
        return {"type": "http.disconnect"} if self.too_large else event


def _headers(scope: HTTPScope) -> dict[str, str]:
    return {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}


def _limit(headers: dict[str, str]) -> int:
    known = "authorization" in headers or settings.SESSION_COOKIE_NAME in parse_cookie(headers.get("cookie", ""))
    return settings.DATA_UPLOAD_MAX_MEMORY_SIZE if known else STRANGERS_LIMIT


async def _refuse(send: ASGISendCallable, limit: int) -> None:
    """The rest of the body is read and thrown away by the server, so that the client gets to see the answer."""
    answer = errors.outside(413, f"The request's body is larger than {limit} bytes.")
    headers = [(name.lower().encode(), value.encode()) for name, value in answer.items()]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": headers, "trailers": False})
    await send({"type": "http.response.body", "body": answer.content, "more_body": False})
