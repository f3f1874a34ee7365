"""Large answers, sent while they are made: of a mail of 90 MB no more is in memory than is on its way."""

import base64
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from api.renderers import FastJSONRenderer
from mail.connecting import release_database_connection
from mail.spool import stretches
from mail.types import Octets

LARGE = 1024 * 1024  # octets; what has fewer is made at once
_STRETCH = 3 * 64 * 1024  # octets encoded together; base64 takes three at a time


def respond(request: Request, pieces: Iterable[bytes], length: int, content_type: str, status: int) -> HttpResponseBase:
    """An answer of `length` octets. The pieces may ask no database: a slow reader holds no connection to it."""
    response: HttpResponseBase
    if length <= LARGE:
        response = HttpResponse(b"".join(pieces), content_type=content_type, status=status)
    else:
        release_database_connection()
        sent = _asynchronous(pieces) if isinstance(request._request, ASGIRequest) else pieces  # noqa: SLF001 -- it has no other name
        response = StreamingHttpResponse(sent, content_type=content_type, status=status)
    response["Content-Length"] = str(length)
    return response


def with_mail(request: Request, answer: Response, mails: Mapping[str, Octets]) -> HttpResponseBase:
    """The answer, with raw mail in base64url in place of each of these words."""
    if not mails:
        return answer
    words = "|".join(map(re.escape, mails))
    parts = re.split(f"({words})".encode(), FastJSONRenderer().render(answer.data))
    length = sum(_encoded_size(mails[part.decode()]) if number % 2 else len(part) for number, part in enumerate(parts))
    return respond(request, _encoded(parts, mails), length, "application/json", answer.status_code)


def _encoded(parts: Iterable[bytes], mails: Mapping[str, Octets]) -> Iterator[bytes]:
    """JSON and the words in it by turns."""
    for number, part in enumerate(parts):
        if number % 2:
            yield from map(base64.urlsafe_b64encode, stretches(mails[part.decode()], _STRETCH))
        else:
            yield part


def _encoded_size(mail: Octets) -> int:
    return (len(mail) + 2) // 3 * 4


async def _asynchronous(pieces: Iterable[bytes]) -> AsyncIterator[bytes]:
    """Of what is not asynchronous Django makes a list first. Each piece is made in less than a millisecond."""
    for piece in pieces:
        yield piece
