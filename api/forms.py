"""Reads multipart/form-data (RFC 7578) piece by piece: a part that is large goes to disk while it is read."""

from collections.abc import Callable, Iterator
from typing import IO, Any, NamedTuple

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from api.contents import Content
from api.errors import InvalidRequest
from mail.types import Octets

PIECE = 256 * 1024
MOST_PARTS = 1000


class Part(NamedTuple):
    """A part of a form. Absent header fields are ""."""

    name: str
    filename: str
    content_type: str
    content: Octets


def parts(stream: IO[bytes], media_type: str, sink: Callable[[str], Content]) -> Iterator[Part]:
    """The form's parts, in order. `sink` makes the content of a part by its name.

    Raises InvalidRequest for what is no whole form or has two parts of one name, and whatever the contents raise."""
    seen = set[str]()
    for segment, content in _segments(stream, _boundary(media_type), sink):
        if segment.name in seen:
            raise InvalidRequest(f"Two parts of the form are named '{segment.name}'.")
        seen.add(segment.name)
        told = segment.header("Content-Type", "")
        yield Part(segment.name, segment.filename or "", told.strip(), content.octets())


def _segments(stream: IO[bytes], boundary: str, sink: Callable[[str], Content]) -> Iterator[tuple[Any, Content]]:
    segment: Any = None
    try:
        parser = PushMultipartParser(boundary, max_segment_count=MOST_PARTS)
        for event in parser.parse_blocking(stream.read, PIECE):
            if isinstance(event, MultipartSegment):
                segment, content = event, sink(event.name)
            elif event is None:
                yield segment, content
            else:
                content.write(event)
    except MultipartError as error:
        raise InvalidRequest(f"The multipart body cannot be read: {error}.") from None


def _boundary(media_type: str) -> str:
    boundary: str = parse_options_header(media_type)[1].get("boundary", "")
    if not boundary.strip():
        raise InvalidRequest("The header Content-Type names no boundary of the multipart body.")
    return boundary
