"""Reads the body of what creates, changes or sends a message: JSON, a form with files, or raw MIME in a form.

What the SDKs send: JSON up to 3 MB, above that a form with a part `message`; the Node SDK sends that chunked, without a
Content-Length (syncfarm.bodies). The Python SDK gives the part `message` an empty file name.
"""

import json
import shutil
import threading
from typing import IO, Any, NoReturn, cast

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request

from api import attached, forms
from api.base64_strings import take_out
from api.contents import Content, Room, room_for_body, room_for_files
from api.errors import InvalidRequest
from mail.types import Octets
from mail.types.outgoing import File

FORM = "multipart/form-data"
MOST_FIELDS = 64 * 1024  # bytes of the other fields beside raw MIME

_parsing = threading.Lock()  # one text at a time: parsed JSON may be ten times as large


def read_outgoing(request: Request) -> tuple[dict[str, Any], tuple[File, ...]]:
    """What the body says of a message, unchecked, and its attachments, checked. Nothing was sent: {} and ().

    Where the JSON has a member `attachments` the fields hold an empty list for it: all attachments are told, so that
    an update which says [] leaves none. Large contents lie in temporary files (mail.spool).

    Raises InvalidRequest, ParseError and ValidationError that name what is wrong, TooLarge, UnsupportedMediaType,
    NoRoom."""
    stream = _stream(request)
    if stream is None:
        return {}, ()
    files = room_for_files()
    if _media(request) == FORM:
        return _from_form(stream, request.content_type, files)
    if _media(request) == "application/json":
        return _from_json(_whole(stream), files)
    raise _unsupported(request)


def read_mime(request: Request) -> tuple[Octets, dict[str, str]]:
    """The part `mime` of a form, and its other fields. Raises as read_outgoing does."""
    if _media(request) != FORM:
        raise _unsupported(request)
    stream = _stream(request)
    rooms = {"mime": room_for_body()}
    others = Room(MOST_FIELDS, "The fields beside 'mime' are")
    parts = forms.parts(stream, request.content_type, lambda name: Content(rooms.get(name, others))) if stream else ()
    found = {part.name: part.content for part in parts}
    mime = found.pop("mime", b"")
    if not mime:
        raise InvalidRequest("The form needs a part 'mime' that holds the message.")
    return mime, {name: _text(bytes(content), f"The part '{name}'") for name, content in found.items()}


def _from_form(stream: IO[bytes], media_type: str, room: Room) -> tuple[dict[str, Any], tuple[File, ...]]:
    message, files = None, list[File]()
    rooms = {"message": room_for_body()}
    for part in forms.parts(stream, media_type, lambda name: Content(rooms.get(name, room))):
        if part.name == "message":
            message = _from_json(part.content, room, "The part 'message'")
        else:
            files.append(attached.from_part(part))
    if message is None:
        raise InvalidRequest("The form needs a part 'message' that holds the message's fields as a JSON object.")
    together = (*message[1], *files)
    attached.check_content_ids(together)
    return message[0], together


def _from_json(text: Octets, room: Room, what: str = "The request's body") -> tuple[dict[str, Any], tuple[File, ...]]:
    with _parsing:
        rest, contents = take_out(text)
        fields = _object(rest, what)
    attachments = fields.pop("attachments", None)
    if attachments is None:
        return fields, ()
    files = tuple(attached.from_json(attachments, contents, room))
    attached.check_content_ids(files)
    return {**fields, "attachments": []}, files


def _object(text: bytes, what: str) -> dict[str, Any]:
    try:
        parsed = json.loads(_text(text, what), parse_constant=_no_constant)
        _refuse_nul(parsed)
    except ValueError as error:
        raise InvalidRequest(f"{what} is no JSON: {error}.") from None
    except RecursionError:
        raise InvalidRequest(f"{what} is nested too deeply.") from None
    if not isinstance(parsed, dict):
        raise InvalidRequest(f"{what} must be a JSON object.")
    return parsed


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _refuse_nul(value: Any, where: str = "") -> None:
    """PostgreSQL takes none, and no header field does."""
    if isinstance(value, str) and "\0" in value:
        raise InvalidRequest(f"The field '{where}' must not hold a NUL.")
    if isinstance(value, dict):
        for name, each in value.items():
            _refuse_nul(name, where or "name")
            _refuse_nul(each, f"{where}.{name}" if where else name)
    if isinstance(value, list):
        for number, each in enumerate(value):
            _refuse_nul(each, f"{where}[{number}]")


def _text(octets: bytes, what: str) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"{what} is not UTF-8: {error.reason} at byte {error.start}.") from None


def _whole(stream: IO[bytes]) -> Octets:
    whole = Content(room_for_body())
    shutil.copyfileobj(stream, cast("IO[bytes]", whole))
    return whole.octets()


def _stream(request: Request) -> IO[bytes] | None:
    return cast("IO[bytes] | None", request.stream)


def _media(request: Request) -> str:
    return str(request.content_type).partition(";")[0].strip().lower()


def _unsupported(request: Request) -> Exception:
    if not request.content_type:
        return InvalidRequest("The header Content-Type is missing: application/json or multipart/form-data.")
    return UnsupportedMediaType(request.content_type)
