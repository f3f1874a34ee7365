"""Putting messages into folders (APPEND, RFC 3501 §6.3.11), and finding those that were put there before."""

from collections.abc import Collection, Iterable
from datetime import datetime

from mail.imap import fetching, names, searching, uidsets
from mail.imap.names import Literal
from mail.imap.reader import Data, Status
from mail.imap.wire import Wire
from mail.types import Octets

_MONTHS = (b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec")


def appended(
    wire: Wire, name: bytes | Literal, octets: Octets, flags: Collection[str], at: datetime
) -> tuple[int, int]:
    """UIDVALIDITY and UID of the message as APPENDUID tells them (RFC 4315 §3), zeros where it does not. Raises
    CommandRefused."""
    marks = b"(%s)" % b" ".join(flag.encode("ascii") for flag in sorted(flags))
    return _appenduid(wire.run(b"APPEND", name, marks, _date_time(at), Literal(octets[:])))


def found(wire: Wire, header_id: str, low: int) -> list[int]:
    """UIDs of the selected folder, from `low` on, of messages with this Message-ID. Raises CommandRefused."""
    wanted = names.quote(header_id.encode("utf-8", "replace").decode("latin-1"))
    told = wire.run(b"UID SEARCH UID %d:* HEADER Message-ID" % low, wanted)
    return searching.uids(told, low, None)


def _appenduid(responses: Iterable[Data | Status]) -> tuple[int, int]:
    for response in responses:
        if isinstance(response, Status) and response.code == b"APPENDUID":
            words = response.argument.split()
            uids = list(uidsets.members(words[1])) if len(words) == 2 and b":" not in words[1] else []
            if len(uids) == 1:
                return fetching.number(words[0]), uids[0]
    return 0, 0


def _date_time(at: datetime) -> bytes:
    """Not by strftime: its months are the locale's."""
    date = b"%02d-%s-%04d" % (at.day, _MONTHS[at.month - 1], at.year)
    return b'"%s %s"' % (date, at.strftime("%H:%M:%S %z").encode("ascii"))
