"""The parts of a message, as flanker takes and writes them."""

import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator
from io import BytesIO

from flanker.mime import create
from flanker.mime.message import ContentType
from flanker.mime.message.headers import WithParams
from flanker.mime.message.part import MimePart

from mail.compose import headers
from mail.mime import parameters
from mail.types import File, LetterRefused, Octets

FILENAME = 255  # characters: what file systems take, and readers keep
_ENCODED = 57 * 16_384  # octets encoded together; 57 of them make a line of 76 (RFC 2045 §6.8)
_TYPE = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,126}/[a-z0-9][a-z0-9!#$&^_.+-]{0,126}")  # RFC 6838 §4.2
_PARAMETER = re.compile(r"[a-z0-9][a-z0-9!#$&^_.+-]{0,63}")
_ID = re.compile(r"[!-;=?-~]{1,250}")
# Of these the parts may not be transfer-encoded (RFC 2045 §6.4), and any octets must get through.
_COMPOSITE = ("message/", "multipart/")
_UNKNOWN = "application/octet-stream"
_BOUNDARY = "=_"  # begins each boundary: neither base64 nor quoted-printable can say it (RFC 2045 §6.7)


def text(subtype: str, body: str) -> MimePart:
    """A part of text/plain or text/html. Its lines end in CRLF."""
    part = create.text(subtype, body, charset="utf-8")
    if body.isascii():
        part.charset = "us-ascii"  # flanker says "ascii", which is not registered
        if _BOUNDARY in body:
            part.content_encoding = WithParams("quoted-printable")
    elif len(body.encode()) > 1.3 * len(body):
        part.content_encoding = WithParams("base64")  # less than half of quoted-printable's size in most scripts
    return part


def multipart(subtype: str, parts: list[MimePart], seed: str, **extra: str) -> MimePart:
    """A multipart whose boundary follows from `seed`; flanker makes a new one each time."""
    whole = create.multipart(subtype)
    digest = hashlib.sha256(f"{seed} {subtype}".encode()).hexdigest()
    whole.content_type.params.update(boundary=_BOUNDARY + digest[:32], **extra)
    whole.append(*parts)
    return whole


def enclosed(file: File) -> MimePart:
    """A file. Raises LetterRefused."""
    return MimePart(container=_Enclosed(file))


def written(whole: MimePart, header: str, files: Iterable[File]) -> bytes:
    """The message: the fields of `header`, then those of the root part and what it holds, `files` among it."""
    wire = _Wire(sum(-(-len(file.content) // 57) * 78 for file in files))
    wire.write(header)
    whole.to_stream(wire)
    return wire.octets()


class _Enclosed:
    """A file, in the place of flanker's Body, which would read files of text/* as UTF-8, cut names at slashes, and hold
    the content four times while encoding it."""

    content_type = ContentType("application", "octet-stream")  # a leaf, whatever the file's header says

    def __init__(self, file: File) -> None:
        self.size = len(file.content)
        self.headers = _Fields(_fields(file))
        self._content = file.content

    def headers_changed(self, ignore_prepends: bool = False) -> bool:  # noqa: ARG002 -- flanker's signature
        """As flanker asks: there is no text of the part to be taken instead."""
        return True

    def body_changed(self) -> bool:
        """As flanker asks: the body is not its to encode."""
        return False

    def read_body(self) -> Octets:
        """As flanker asks for what it writes."""
        return self._content


class _Fields:
    """Header fields in the place of flanker's MimeHeaders."""

    def __init__(self, fields: str) -> None:
        self._fields = fields

    def to_stream(self, out: "_Wire") -> None:
        """As flanker asks."""
        out.write(self._fields)


class _Wire:
    """Where flanker writes: strings, whose lines end in LF where they are encoded, and the files' octets."""

    def __init__(self, room: int) -> None:
        """`room`: octets that there will be at least. A buffer that grows may be moved, and is held twice meanwhile."""
        self._octets = BytesIO()
        if room:
            self._octets.seek(room - 1)
            self._octets.write(b"\0")
            self._octets.seek(0)

    def tell(self) -> int:
        """As flanker asks."""
        return self._octets.tell()

    def write(self, what: str | Octets) -> None:
        """As flanker asks."""
        if isinstance(what, str):
            self._octets.write(what.replace("\r\n", "\n").replace("\n", "\r\n").encode())
        else:
            self._octets.writelines(_base64(what))

    def octets(self) -> bytes:
        """All that was written."""
        self._octets.truncate()
        return self._octets.getvalue()


def _base64(content: Octets) -> Iterator[bytes]:
    for at in range(0, len(content), _ENCODED):
        encoded = binascii.b2a_base64(content[at : at + _ENCODED], newline=False)
        yield b"\r\n".join(encoded[line : line + 76] for line in range(0, len(encoded), 76))
        yield b"\r\n"


def _fields(file: File) -> str:
    filename = headers.one_line(file.filename)
    if len(filename) > FILENAME:
        raise LetterRefused(
            f"The name of the file {filename[:40]}… has {len(filename):,} characters. Shorten it to {FILENAME}."
        )
    named = {"filename": filename} if filename else {}
    content_type, given = _type(file, filename)
    cid = file.content_id.strip().removeprefix("<").removesuffix(">")
    if cid and not _ID.fullmatch(cid):
        raise LetterRefused(
            f"The content id of the file {filename} is not of ASCII letters, digits and signs without blanks. Change"
            " it, also where the body says cid:."
        )
    return (
        headers.of_parameters("Content-Type", content_type, given | ({"name": filename} if filename else {}))
        + headers.of_parameters("Content-Disposition", "inline" if file.is_inline else "attachment", named)
        + headers.of_ids("Content-ID", [cid] if cid else [])
        + "Content-Transfer-Encoding: base64\r\n"
    )


def _type(file: File, filename: str) -> tuple[str, dict[str, str]]:
    """The type and its parameters: an invitation is text/calendar with a method."""
    if not file.content_type.strip():
        return _UNKNOWN, {}
    found = parameters.parse(file.content_type.encode("utf-8", "replace"))
    if not _TYPE.fullmatch(found.value):
        raise LetterRefused(f"The content type of the file {filename} is not of the form type/subtype.")
    if found.value.startswith(_COMPOSITE):
        return _UNKNOWN, {}
    return found.value, {
        key: headers.one_line(value)
        for key, value in found.parameters.items()
        if _PARAMETER.fullmatch(key) and key not in {"name", "boundary"}
    }
