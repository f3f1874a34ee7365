"""Takes the base64 contents out of a large JSON text before it is parsed, and decodes them piece by piece.

json.loads() would hold such a text three times: 33 MB for 25 MB of attachments, as bytes, as a string and as the value.
"""

import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from api.contents import Content, Room
from api.errors import InvalidRequest, TooLarge
from mail.spool import let_go
from mail.types import Octets

LONG = 1024  # bytes; shorter contents stay where they are
LARGEST_REST = 8 * 1024 * 1024  # bytes, of all but the long contents; a message's HTML is most of it
LARGEST_STRUCTURE = 1024 * 1024  # bytes outside of strings: each may become an object of 64 bytes
PIECE = 256 * 1024

# A string, or a whole member "content": "…" with the string of its value as group 1. Possessive, and an unterminated
# string ends with the text: every byte is looked at twice at the most.
_STRINGS = re.compile(
    rb'"content"[ \t\r\n]*+:[ \t\r\n]*+("(?:[^"\\]++|\\.)*+")|"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)', re.DOTALL
)
_ALPHABET = bytes.maketrans(b"-_", b"+/")  # also the URL-safe one (RFC 4648 §5)
_WHITE = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Encoded:
    """A content where it lies: from `start` to `stop` of the text, quotes included."""

    text: Octets = field(repr=False)
    start: int
    stop: int


def take_out(text: Octets) -> tuple[bytes, dict[int, Encoded]]:
    """The text in which [n] stands for each long content, and these contents by n. Raises TooLarge."""
    rest, taken, at, outside, end = bytearray(), dict[int, Encoded](), 0, 0, 0
    for string in _STRINGS.finditer(text):
        outside, end = outside + string.start() - end + 2, string.end()
        if outside > LARGEST_STRUCTURE:
            break
        start, stop = string.span(1)
        if stop - start > LONG:
            rest += _kept(text, at, start, len(rest))
            rest += b"[%d]" % len(taken)
            taken[len(taken)] = Encoded(text, start, stop)
            at = stop
    if outside + len(text) - end > LARGEST_STRUCTURE:
        raise TooLarge(f"The JSON has more than {LARGEST_STRUCTURE} bytes outside of its strings.")
    rest += _kept(text, at, len(text), len(rest))
    let_go(text)
    return bytes(rest), taken


def _kept(text: Octets, start: int, stop: int, before: int) -> bytes:
    if before + stop - start > LARGEST_REST:
        raise TooLarge(f"The message without its attachments is larger than {LARGEST_REST} bytes.")
    return text[start:stop]


def decode(encoded: Encoded | str, room: Room, what: str) -> Octets:
    """The content. `what` names it in errors. Raises InvalidRequest, TooLarge, NoRoom."""
    content, left = Content(room), b""
    try:
        for piece in _pieces(encoded):
            digits = left + piece.translate(_ALPHABET, _WHITE)
            behind = len(digits) % 4 or 4  # the last group alone may be padded, so one always stays behind
            content.write(_unpadded(digits[:-behind]))
            left = digits[-behind:]
        content.write(binascii.a2b_base64(left, strict_mode=True))
    except ValueError as error:  # binascii.Error and what json.loads() and encode() raise
        raise InvalidRequest(f"{what} is not base64: {error}.") from None
    return content.octets()


def _unpadded(digits: bytes) -> bytes:
    if b"=" in digits:
        raise ValueError("there is more after the padding")
    return binascii.a2b_base64(digits, strict_mode=True)


def _pieces(encoded: Encoded | str) -> Iterator[bytes]:
    if isinstance(encoded, str):
        yield encoded.encode("ascii")
        return
    at, stop = encoded.start + 1, encoded.stop - 1
    while at < stop:
        piece = encoded.text[at : min(at + PIECE, stop)]
        if b"\\" in piece:  # \/, \n and \u002b are written by common encoders
            piece = _before_a_cut_escape(piece, last=at + PIECE >= stop)
            yield json.loads(b'"%s"' % piece).encode("ascii")
        else:
            yield piece
        at += len(piece)
        let_go(encoded.text)


def _before_a_cut_escape(piece: bytes, *, last: bool) -> bytes:
    """An escape has six bytes at the most."""
    escape = -1 if last else piece.rfind(b"\\", len(piece) - 5)
    return piece if escape == -1 else piece[:escape]
