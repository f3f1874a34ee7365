"""Checks the attachments of a message that comes in, from JSON and from a form, and makes files of them."""

import re
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any

from rest_framework import serializers

from api.base64_strings import Encoded, decode
from api.contents import Room
from api.errors import InvalidRequest
from api.forms import Part
from mail.types.outgoing import File

MOST = 1000
_FIELDS = ("filename", "content_type", "content", "content_id", "content_disposition", "is_inline", "size")
_NUMBERED = re.compile(r"file\d+", re.ASCII)  # how the SDKs name a file that has no content_id
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,127}"
# RFC 2045 §5.1. Parameters may hold anything that ends no header field.
_MEDIA_TYPE = re.compile(rf"{_WORD}/{_WORD}( *;[ -~]{{0,255}})?")
_CONTENT_ID = re.compile(r"[!-;=?-~]{1,255}")  # printable, without spaces and angle brackets


class AttachmentForm(serializers.Serializer[None]):
    """An attachment in JSON, its content aside."""

    filename = serializers.CharField(trim_whitespace=False, max_length=255)
    content_type = serializers.CharField(max_length=512)
    content_id = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=512)
    content_disposition = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=1024)
    is_inline = serializers.BooleanField(required=False, allow_null=True, default=None)
    size = serializers.IntegerField(required=False, allow_null=True, min_value=0)


def from_json(attachments: Any, contents: MutableMapping[int, Encoded], room: Room) -> Iterator[File]:
    """Files of the member `attachments`. Where a content is [n], it is contents[n].

    Raises InvalidRequest, ValidationError, TooLarge, NoRoom."""
    if not isinstance(attachments, list) or len(attachments) > MOST:
        raise InvalidRequest(f"'attachments' must be a list of at most {MOST} attachments.")
    for number, each in enumerate(attachments):
        where = f"attachments[{number}]"
        if not isinstance(each, dict):
            raise InvalidRequest(f"{where} must be an object.")
        told = _checked(each, where)
        content = decode(_content(each, contents, where), room, f"{where}.content")
        yield _file(where, told["filename"], told["content_type"], told.get("content_id") or "")._replace(
            content=content, is_inline=_is_inline(told)
        )


def from_part(part: Part) -> File:
    """A file part of a form: inline under the content_id it is named by, or file0, file1 … Raises InvalidRequest."""
    content_id = "" if _NUMBERED.fullmatch(part.name) else part.name
    file = _file(f"The part '{part.name}'", part.filename, part.content_type, content_id)
    return file._replace(content=part.content, is_inline=bool(content_id))


def check_content_ids(files: Sequence[File]) -> None:
    """Raises InvalidRequest where two have one."""
    seen = set[str]()
    for content_id in filter(None, (file.content_id for file in files)):
        if content_id in seen:
            raise InvalidRequest(f"Two attachments have the content_id '{content_id}'.")
        seen.add(content_id)


def _checked(attachment: Mapping[str, Any], where: str) -> dict[str, Any]:
    for name in attachment:
        if name not in _FIELDS:
            raise InvalidRequest(f"Unknown field '{name}' of {where}. Allowed here: {', '.join(_FIELDS)}.")
    form = AttachmentForm(data=attachment)
    if not form.is_valid():
        raise serializers.ValidationError({where: form.errors})
    told: dict[str, Any] = form.validated_data
    return told


def _content(attachment: Mapping[str, Any], contents: MutableMapping[int, Encoded], where: str) -> Encoded | str:
    match attachment.get("content"):
        case str(content):
            return content
        case [int(number)] if number in contents:
            return contents.pop(number)
    raise InvalidRequest(f"{where}.content must be a string of base64.")


def _is_inline(told: Mapping[str, Any]) -> bool:
    if told["is_inline"] is not None:
        return bool(told["is_inline"])
    disposition = (told.get("content_disposition") or "").strip().lower()
    return disposition.startswith("inline") if disposition else bool(told.get("content_id"))


def _file(where: str, filename: str, content_type: str, content_id: str) -> File:
    if not filename.strip(". ") or len(filename) > 255 or not filename.isprintable() or set(filename) & set("/\\"):
        raise InvalidRequest(
            f"{where} needs a file name of at most 255 printable characters, without a directory: {filename!r:.300}."
        )
    if not _MEDIA_TYPE.fullmatch(content_type):
        raise InvalidRequest(f"{where} needs a content type like application/pdf: {content_type!r:.300}.")
    content_id = content_id.strip().removeprefix("<").removesuffix(">")
    if content_id and not _CONTENT_ID.fullmatch(content_id):
        raise InvalidRequest(f"{where} has a content_id that is none: {content_id!r:.300}.")
    return File(filename, content_type, b"", content_id)
