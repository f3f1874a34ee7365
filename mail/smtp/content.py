"""A message as SMTP carries it: lines end in CRLF, and a dot that begins one is doubled (RFC 5321 §2.3.8, §4.5.2)."""

from collections.abc import Iterator

from mail.types import Octets

STRETCH = 256 * 1024  # octets made and sent together


def carried(octets: Octets) -> Iterator[bytes]:
    """The message piece by piece, and the CRLF that it may lack at its end; not the dot behind it.

    A line feed or carriage return alone is a line's end: servers disagree about them, and one that takes LF.LF for the
    end of a message would take what follows for commands.
    """
    at_start, held = True, b""
    for at in range(0, len(octets), STRETCH):
        piece = held + octets[at : at + STRETCH]
        held = b"\r" if piece.endswith(b"\r") else b""  # whether a line feed follows is seen with the next one
        piece = _lines(piece[:-1] if held else piece)
        if piece:
            yield (b"." if at_start and piece.startswith(b".") else b"") + piece.replace(b"\r\n.", b"\r\n..")
            at_start = piece.endswith(b"\r\n")
    if held or not at_start:
        yield b"\r\n"


def is_ascii(octets: Octets) -> bool:
    """Whether every server can carry it."""
    return all(octets[at : at + STRETCH].isascii() for at in range(0, len(octets), STRETCH))


def _lines(piece: bytes) -> bytes:
    return piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
