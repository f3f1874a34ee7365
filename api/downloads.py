"""Bytes as a download: one range of them if asked, never rendered inline, under a name that cannot break a header."""

import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote

from django.http import HttpResponseBase
from rest_framework.request import Request

from api.errors import RangeNotSatisfiable
from api.streaming import respond

_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{1,18})?|-(\d{1,18}))", re.ASCII)
_MEDIA_TYPE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,127}/[!#$%&'*+.^_`|~0-9A-Za-z-]{1,127}")  # RFC 9110 §8.3.1


def bytes_response(
    request: Request, whole: int, pieces: Iterable[bytes], filename: str, content_type: str, etag: str
) -> HttpResponseBase:
    """The `whole` octets of the pieces or, for a Range header, the part of them (RFC 9110 §14). Raises
    RangeNotSatisfiable.

    Several ranges, other units and a range of another version (If-Range) get the whole, as the RFC allows.
    """
    headers = request.headers
    wanted = _wanted(headers.get("Range", ""), whole) if headers.get("If-Range", etag) == etag else None
    sent = wanted or range(whole)
    status = 206 if wanted else 200
    response = respond(request, _within(pieces, sent), len(sent), _media_type(content_type), status)
    if wanted:
        response["Content-Range"] = f"bytes {wanted.start}-{wanted.stop - 1}/{whole}"
    response["Accept-Ranges"] = "bytes"
    response["ETag"] = etag
    response["Content-Disposition"] = disposition(filename)
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return response


def disposition(filename: str) -> str:
    """Content-Disposition with a name (RFC 6266): plain for old clients, and exact as RFC 5987 has it."""
    name = "".join("_" if character in '/\\"' or not character.isprintable() else character for character in filename)
    name = name.strip(". ")[:200] or "attachment"
    plain = name.encode("ascii", "replace").decode().replace("?", "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _within(pieces: Iterable[bytes], wanted: range) -> Iterator[bytes]:
    """What of the pieces has these places."""
    at = 0
    for piece in pieces:
        if at >= wanted.stop:
            return
        yield piece[max(wanted.start - at, 0) : wanted.stop - at]
        at += len(piece)


def _wanted(header: str, whole: int) -> range | None:
    match = _RANGE.fullmatch(header.strip())
    if match is None:
        return None
    first, last, suffix = match.groups()
    start = int(first) if first else max(0, whole - int(suffix))
    stop = min(whole, int(last) + 1) if last else whole
    if last and int(last) < int(first):
        return None  # not a valid range at all
    if start >= whole or suffix == "0":
        raise RangeNotSatisfiable(whole)
    return range(start, stop)


def _media_type(stated: str) -> str:
    return stated if _MEDIA_TYPE.fullmatch(stated) else "application/octet-stream"
