"""Folder names: from the wire to people (modified UTF-7, RFC 3501 §5.1.3) and back onto the wire."""

import binascii
import re
from dataclasses import dataclass

from imapclient import imap_utf7

_SHIFTED = re.compile(r"&([A-Za-z0-9+,]*)-")
_QUOTABLE = re.compile(rb"[\x20-\x7e]*")


@dataclass(frozen=True, slots=True)
class Literal:
    """Octets that a quoted string cannot carry and a command must send as a literal (RFC 3501 §4.3)."""

    octets: bytes


def decode(wire: bytes) -> str:
    """A folder name for people, always valid Unicode without NUL.

    What is no modified UTF-7 stays as it is; raw 8-bit names are read as UTF-8, else as Latin-1.
    """
    if not wire.isascii():
        # Courier and Exim-era servers, and all that speak UTF8=ACCEPT unasked, send names as they are on disk.
        try:
            name = wire.decode("utf-8")
        except UnicodeDecodeError:
            name = wire.decode("latin-1")
    else:
        name = _SHIFTED.sub(_unshift, wire.decode("ascii"))
    return name.replace("\0", "\ufffd")


def encode(name: str) -> str:
    """A name that people gave as a wire_name. It holds no lone surrogates."""
    return str(imap_utf7.encode(name).decode("ascii"))


def quote(wire_name: str) -> bytes | Literal:
    """A folder's wire_name as an argument of a command."""
    raw = wire_name.encode("latin-1")
    if _QUOTABLE.fullmatch(raw):
        return b'"' + raw.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    return Literal(raw)


def _unshift(match: re.Match[str]) -> str:
    encoded = match[1]
    if not encoded:
        return "&"
    try:
        octets = binascii.a2b_base64(encoded.replace(",", "/") + "=" * (-len(encoded) % 4))
        return octets.decode("utf-16-be")
    except ValueError:  # of base64, or lone surrogates
        return match[0]
