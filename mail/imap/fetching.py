"""FETCH responses to facts: flags, dates, sizes, ids and bodies (RFC 3501 §7.4.2). Items may come in any order."""

import functools
import mmap
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

from mail.imap import bodystructure
from mail.imap.reader import Data, FetchData, Status, Token
from mail.imap.regular import Items
from mail.types import Entry, Fetched

_ID = re.compile(rb"[A-Za-z0-9_-]{1,255}")  # RFC 8474 §4

# What a message without a readable INTERNALDATE gets: older than any mail.
UNKNOWN_DATE = datetime(1970, 1, 1, tzinfo=UTC)

_MONTHS = {
    name: number
    for number, name in enumerate(
        (b"jan", b"feb", b"mar", b"apr", b"may", b"jun", b"jul", b"aug", b"sep", b"oct", b"nov", b"dec"), 1
    )
}
# RFC 3501 §9: system flags are the same in any case.
_SYSTEM_FLAGS = {flag.lower(): flag for flag in ("\\Seen", "\\Answered", "\\Flagged", "\\Deleted", "\\Draft")}
_SECTIONS = (b"BODY[]", b"BODY[HEADER]")
# Only an answer to our FETCH has one of these; a FETCH that the server volunteers tells of flags alone.
_ASKED_FOR = frozenset({*_SECTIONS, b"RFC822.SIZE", b"INTERNALDATE"})


def items_of(response: Data | Status) -> tuple[int, Items]:
    """(uid, items) of a FETCH response; uid 0 where it is none or names no UID, as unsolicited ones may."""
    if isinstance(response, FetchData):
        return number(response.named.get(b"UID")), response.named
    if not isinstance(response, Data) or response.kind != b"FETCH" or not response.items:
        return 0, {}
    items = pairs(response.items[0])
    return number(items.get(b"UID")), items


def pairs(listed: Token) -> Items:
    """A list of alternating names and values, names in upper case; {} where it is no list."""
    if not isinstance(listed, list):
        return {}
    tokens: Iterator[Token] = iter(listed)
    return {name.upper(): value for name, value in zip(tokens, tokens, strict=False) if isinstance(name, bytes)}


def number(value: Token) -> int:
    """A number, which has at most 63 bits (mod-sequences, RFC 7162 §3.1); 0 where there is none."""
    if not isinstance(value, bytes) or not value.isdigit() or len(value) > 19:
        return 0
    return min(int(value), 2**63 - 1)


def tells_flags(items: Items) -> bool:
    """Whether the flags are known; some servers send NIL or nothing where they fail at them."""
    return isinstance(items.get(b"FLAGS"), list)


def flags(items: Items) -> frozenset[str]:
    """The flags as sent, without \\Recent, which is a property of the session rather than the message."""
    value = items.get(b"FLAGS")
    return _flags(tuple(flag for flag in value if isinstance(flag, bytes))) if isinstance(value, list) else frozenset()


@functools.lru_cache(maxsize=4096)  # a mailbox knows few combinations: saves time, and memory by sharing the sets
def _flags(sent: tuple[bytes, ...]) -> frozenset[str]:
    names = (flag.decode("utf-8", "replace").replace("\0", "\ufffd") for flag in sent)
    return frozenset(_SYSTEM_FLAGS.get(name.lower(), name) for name in names if name.lower() != "\\recent")


def entry(uid: int, items: Items) -> Entry:
    """What is known of a message without its body."""
    email_id, thread_id = _provider_ids(items)
    return Entry(
        uid=uid, size=number(items.get(b"RFC822.SIZE")), flags=flags(items), email_id=email_id, thread_id=thread_id
    )


def fetched(uid: int, items: Items, *, complete: bool) -> Fetched | None:
    """A message with its body; None where the server merely volunteers flags. `raw` is None where there is no body."""
    if _ASKED_FOR.isdisjoint(items):
        return None
    whole, header = _SECTIONS
    body = items.get(whole if complete else header)
    raw = body if isinstance(body, bytes | mmap.mmap) else None
    email_id, thread_id = _provider_ids(items)
    return Fetched(
        uid=uid,
        flags=flags(items),
        received_at=received(items.get(b"INTERNALDATE")),
        size=number(items.get(b"RFC822.SIZE")) or len(raw or b""),
        raw=raw,
        complete=complete,
        email_id=email_id,
        thread_id=thread_id,
        parts=None if complete else bodystructure.parts(items.get(b"BODYSTRUCTURE")),
    )


def received(value: Token) -> datetime:
    """INTERNALDATE, e.g. b"17-Jul-1996 02:44:25 -0700", aware; UNKNOWN_DATE where it is missing or no date."""
    if not isinstance(value, bytes):
        return UNKNOWN_DATE
    try:
        date, time, zone = value.split()
        day, month, year = date.split(b"-")
        hour, minute, second = (int(each) for each in time.split(b":"))
        if not 1970 <= int(year) <= 2200:  # a time zone could push the ends of time over the edge, here or in a table
            return UNKNOWN_DATE
        return datetime(
            int(year),
            _MONTHS[month.lower()],
            int(day),
            int(hour),
            int(minute),
            min(int(second), 59),
            tzinfo=_zone(zone),
        )
    except (ValueError, KeyError, OverflowError):
        return UNKNOWN_DATE


@functools.lru_cache(maxsize=256)
def _zone(text: bytes) -> timezone:
    """ "+0130" as a time zone. Raises ValueError."""
    minutes = int(text[1:3]) * 60 + int(text[3:5])
    return timezone(timedelta(minutes=-minutes if text.startswith(b"-") else minutes))


def _provider_ids(items: Items) -> tuple[str, str]:
    """(email id, thread id) by Gmail's extension or RFC 8474."""
    gmail = b"X-GM-MSGID" in items
    email, thread = (b"X-GM-MSGID", b"X-GM-THRID") if gmail else (b"EMAILID", b"THREADID")
    return identifier(items.get(email)), identifier(items.get(thread))


def identifier(value: Token) -> str:
    """An id, which RFC 8474 puts into parentheses and Gmail does not; "" where there is none."""
    inner = value[0] if isinstance(value, list) and value else value
    return inner.decode() if isinstance(inner, bytes) and _ID.fullmatch(inner) else ""
