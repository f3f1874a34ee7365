"""What a FETCH answer says by each way of reading it: the reader's fast one, its general one, and imapclient's parser."""

import io
import re
from datetime import UTC
from typing import Any

from imapclient.exceptions import ProtocolError
from imapclient.response_parser import parse_fetch_response

from mail.imap import fetching
from mail.imap.reader import ByteStream, ConnectionEnded, Data, ProtocolBroken, ResponseReader, Status
from mail.imap.regular import Token

DOVECOT = (
    b'* 7 FETCH (UID 12 FLAGS (\\Seen $Work) INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 6'
    b" BODY[] {6}\r\na)\r\n\r\n)\r\n"
)
GMAIL = (
    b"* 7 FETCH (X-GM-THRID 1266894439832287888 X-GM-MSGID 1278455344230334865 UID 12 RFC822.SIZE 6"
    b' INTERNALDATE "17-Jul-1996 02:44:25 -0700" FLAGS (\\Seen $Work) BODY[] {6}\r\na)\r\n\r\n)\r\n'
)
EXCHANGE = (
    b'* 7 FETCH (INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE 6 BODY[] {6}\r\na)\r\n\r\n'
    b" FLAGS (\\Seen $Work) UID 12)\r\n"
)

_DATE = re.compile(rb"[ \d]\d-[A-Za-z]{3}-(?:19[789]|2[01]\d)\d \d\d:\d\d:[0-5]\d [+-]\d{4}")
# imapclient takes any value of BODY and BODYSTRUCTURE for a list, and has the message's number as SEQ.
_APART = frozenset({b"UID", b"BODY", b"BODYSTRUCTURE", b"SEQ"})


def facts(response: Data | Status) -> tuple[object, ...]:
    """All that the mirror takes from a response."""
    uid, items = fetching.items_of(response)
    messages = [fetching.fetched(uid, items, complete=complete) for complete in (True, False)]
    return uid, fetching.entry(uid, items), fetching.flags(items), messages


def read_all(stream: ByteStream, *, general: bool = False) -> list[object]:
    """The facts of every response, and how the stream ended."""
    reader, read = ResponseReader(stream), list[object]()
    while True:
        try:
            response = _slowly(reader) if general else reader.next()
        except (ConnectionEnded, ProtocolBroken) as error:
            return [*read, type(error), str(error)]
        read.append(facts(response))


def _slowly(reader: ResponseReader) -> Data | Status:
    """The next response, token by token."""
    line = reader._line()
    while not line.strip():
        line = reader._line()
    return reader._general(line)


def disagreement(answer: bytes) -> str:
    """Where imapclient reads `answer`, one "* 3 FETCH (…)" line with its literals, otherwise than we do; "" where it
    does not, or reads nothing, for it is stricter."""
    try:
        theirs = imapclient_reads(answer)
    except (ProtocolError, ValueError, TypeError, AttributeError, IndexError, OverflowError):
        return ""
    uid, ours = fetching.items_of(ResponseReader(io.BytesIO(answer)).next())
    if not uid:
        return ""
    read = theirs.get(uid, {})
    date, text = read.pop(b"INTERNALDATE", None), ours.pop(b"INTERNALDATE", None)
    if fetching.received(text) != (date or fetching.UNKNOWN_DATE) and _is_date(text):
        return f"INTERNALDATE {text!r}, there {date!r}"
    mine, others = ({k: _plain(value) for k, value in items.items() if k not in _APART} for items in (ours, read))
    return "" if mine == others else f"{mine!r}, there {others!r}"


def _is_date(text: Token) -> bool:
    """Whether it is one (RFC 3501 §9) of the years that we take; imapclient reads what merely begins like one."""
    return isinstance(text, bytes) and bool(_DATE.fullmatch(text))


def imapclient_reads(answer: bytes) -> dict[int, dict[bytes, Any]]:
    """The items by UID that imapclient's parser reads; raises what it raises."""
    octets = answer.removeprefix(b"* ").removesuffix(b"\r\n").replace(b"FETCH ", b"", 1)
    read = {}
    for uid, items in parse_fetch_response(as_imaplib_has_it(octets), normalise_times=False).items():
        read[uid] = dict(items)
        if read[uid].get(b"INTERNALDATE"):
            read[uid][b"INTERNALDATE"] = read[uid][b"INTERNALDATE"].astimezone(UTC)
    return read


def as_imaplib_has_it(octets: bytes) -> list[bytes | tuple[bytes, bytes]]:
    """Lines, each with its literal in a tuple."""
    records: list[bytes | tuple[bytes, bytes]] = []
    while (end := octets.find(b"}\r\n")) >= 0:
        size = int(octets[octets.rindex(b"{", 0, end) + 1 : end])
        records.append((octets[: end + 1], octets[end + 3 : end + 3 + size]))
        octets = octets[end + 3 + size :]
    return [*records, octets]


def _plain(value: object) -> object:
    """Without the difference between numbers and their digits, which imapclient makes."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if value in {b"nil", None}:  # imapclient knows NIL in capitals only
        return None
    return int(value) if isinstance(value, bytes) and value.isdigit() else value
