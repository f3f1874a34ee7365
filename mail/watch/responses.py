"""Reads what an IMAP server says to one who only listens: bytes in, values out.

Not mail.imap.reader, which reads from a blocking stream and takes whole mails: here nothing that matters is long, and a
server of thousands must not get the process's memory or time.
"""

import re
from dataclasses import dataclass

MOST = 65_536  # octets of a response with its literals; a thousand are the rule

_STATUSES = frozenset({b"OK", b"NO", b"BAD", b"BYE", b"PREAUTH"})
_RESPONSE = re.compile(
    rb"(\S{1,64}) (?:(\d{1,10}) )?([A-Za-z][A-Za-z0-9-]{0,63})(?= |$)(?: \[([^\]\s]+)(?: ([^\]]*))?\])? ?(.*)"
)
_LITERAL = re.compile(rb"\{(\d{1,10})\+?\}\r?\n\Z")


class NotImap(Exception):
    """What came is no response, or too long for one. `sent` is all of it: a secret that is cut would not be found."""

    def __init__(self, what: str, sent: bytes) -> None:
        super().__init__(what)
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Response:
    """A response, or the first line of one with literals. `kind`: upper case, b"" of a continuation request; `code` and
    `argument`: of [...], the code in upper case; `text`: what follows."""

    tag: bytes  # b"*", b"+" or a command's
    kind: bytes
    number: int = 0
    code: bytes = b""
    argument: bytes = b""
    text: bytes = b""


class Responses:
    """Those of one connection, as its octets come."""

    def __init__(self) -> None:
        self._octets = bytearray()

    def __len__(self) -> int:
        return len(self._octets)

    def feed(self, octets: bytes) -> None:
        """More came."""
        self._octets += octets

    def take(self) -> Response | None:
        """The next response that has come whole. Raises NotImap."""
        while (end := self._end()) is not None:
            octets = bytes(self._octets[:end])
            del self._octets[:end]
            line = octets.partition(b"\n")[0].rstrip(b"\r")
            if line.strip():  # some servers add an empty line after a literal
                return _response(line)
        if len(self._octets) > MOST:
            raise NotImap(f"a response of more than {MOST:,} octets", bytes(self._octets))
        return None

    def _end(self) -> int | None:
        """Where the first response ends, literals included."""
        at = 0
        while (end := self._octets.find(b"\n", at, MOST) + 1) > 0:
            literal = _LITERAL.search(self._octets, max(at, end - 16), end)
            if literal is None or _is_words(self._octets):
                return end
            at = end + int(literal[1])
            if at > MOST:
                raise NotImap(f"a literal of {int(literal[1]):,} octets", bytes(self._octets[:end]))
        return None


def _is_words(octets: bytearray) -> bool:
    """What ends in words for people: those have no literals, whatever they look like."""
    words = bytes(octets[:80]).upper().split(b" ", 2)
    return words[0] == b"+" or (len(words) > 1 and words[1].strip() in _STATUSES)


def _response(line: bytes) -> Response:
    if line.startswith(b"+"):
        return Response(b"+", b"", text=line[1:].strip())
    parts = _RESPONSE.match(line)
    if parts is None or (parts[1] != b"*" and parts[3].upper() not in _STATUSES):
        raise NotImap("what is not IMAP", line)
    tag, number, kind, code, argument, text = parts.groups(b"")
    return Response(tag, kind.upper(), int(number or 0), code.upper(), argument, text)
