"""Arrivals as rows for COPY … BINARY, in the order of columns."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from mail import binary
from mail.copying import array, plain_array
from mail.types import Address, Arrival, LocalFolder, Parsed

HEADER_ID_OCTETS = 998  # RFC 5322 §2.1.1: no line is longer; a B-tree takes 2,704
ADDRESS_OCTETS = 320  # RFC 3696: 64 @ 255; an index entry takes 8,191

# The columns of one width, and their formats in mail.binary; then the others.
_MESSAGE = {
    "id": "16s", "account_id": "16s", "thread_id": "16s", "pack_id": "16s", "size": "q", "raw_at": "q", "raw_size": "q",
    "received_at": "q", "is_reply": "?", "has_references": "?",
    "has_attachments": "?", "unread": "?", "starred": "?", "draft": "?",
}  # fmt: skip
MESSAGE_COLUMNS = (
    *_MESSAGE, "digest", "header_id", "subject", "subject_key", "from_addresses", "to_addresses", "cc_addresses",
    "bcc_addresses", "reply_to_addresses", "participants", "sent_at", "snippet", "attachments", "problem", "folder_ids",
)  # fmt: skip
_LOCATION = {"folder_id": "16s", "uidvalidity": "q", "uid": "q", "message_id": "16s", "received_at": "q"}
LOCATION_COLUMNS = (*_LOCATION, "flags")
# A thread's figures follow from its messages; mail.store.derive says the same in SQL.
_THREAD = {
    "id": "16s", "account_id": "16s", "message_count": "i", "earliest_at": "q", "latest_at": "q", "unread": "?",
    "starred": "?", "has_attachments": "?", "has_drafts": "?",
}  # fmt: skip
THREAD_COLUMNS = (*_THREAD, "provider_key", "subject")
_LINK = {"account_id": "16s", "thread_id": "16s"}
LINK_COLUMNS = (*_LINK, "digest")

_message = binary.Beginning(len(MESSAGE_COLUMNS), tuple(_MESSAGE.values()))
_location = binary.Beginning(len(LOCATION_COLUMNS), tuple(_LOCATION.values()))
_thread = binary.Beginning(len(THREAD_COLUMNS), tuple(_THREAD.values()))
_link = binary.Beginning(len(LINK_COLUMNS), tuple(_LINK.values()))
_json = json.JSONEncoder(ensure_ascii=False).encode  # escapes are longer, and the server has to read them
_NO_LIST = binary.jsonb("[]")


class Figures(NamedTuple):
    """What a thread of some messages shows."""

    subject: str
    message_count: int
    earliest_at: datetime
    latest_at: datetime
    unread: bool
    starred: bool
    has_attachments: bool
    has_drafts: bool


def message_row(
    account: UUID, folder: LocalFolder, arrival: Arrival, thread: UUID, pack: UUID, place: tuple[int, int]
) -> bytes:
    """A new message with its one place, in the order of MESSAGE_COLUMNS. `place`: its contents' in the pack. Raises
    ValueError if a value does not fit."""
    parsed = arrival.parsed
    assert parsed is not None, "only messages that were read become rows"
    flags = arrival.flags
    return b"".join([
        _message(
            arrival.message.bytes, account.bytes, thread.bytes, pack.bytes, arrival.size, *place,
            binary.moment(arrival.received_at), arrival.is_reply, bool(parsed.references), has_attachments(parsed),
            "\\Seen" not in flags, "\\Flagged" in flags, "\\Draft" in flags,
        ),
        binary.octets(arrival.digest), binary.text(_cut(parsed.header_id, HEADER_ID_OCTETS)),
        binary.text(parsed.subject), binary.number(arrival.subject_key), _addresses(parsed.from_),
        _addresses(parsed.to), _addresses(parsed.cc), _addresses(parsed.bcc), _addresses(parsed.reply_to),
        binary.texts(sorted(participants(parsed))),
        binary.number(None if parsed.date is None else binary.moment(parsed.date)), binary.text(parsed.snippet),
        binary.jsonb(_json([each._asdict() for each in parsed.attachments])) if parsed.attachments else _NO_LIST,
        binary.text(parsed.problem), binary.uuids([folder.id.bytes]),
    ])  # fmt: skip


def location_rows(folder: LocalFolder, arrivals: Iterable[Arrival]) -> list[bytes]:
    """Places in the order of LOCATION_COLUMNS. Twins take one time, their message's. Raises ValueError if a value does
    not fit."""
    home, received, flags = folder.id.bytes, dict[UUID, int](), dict[frozenset[str], bytes]()
    rows = []
    for arrival in arrivals:
        if arrival.message not in received:
            received[arrival.message] = binary.moment(arrival.received_at)
        if arrival.flags not in flags:
            flags[arrival.flags] = binary.texts(sorted(arrival.flags))
        at = received[arrival.message]
        row = _location(home, folder.uidvalidity, arrival.uid, arrival.message.bytes, at)
        rows.append(row + flags[arrival.flags])
    return rows


def thread_row(account: UUID, thread: UUID, provider_key: str, figures: Figures) -> bytes:
    """A new thread, in the order of THREAD_COLUMNS. `provider_key`: "" if it has none."""
    subject, count, earliest, latest, *marks = figures
    beginning = _thread(thread.bytes, account.bytes, count, binary.moment(earliest), binary.moment(latest), *marks)
    return beginning + binary.text(provider_key or None) + binary.text(subject)


def link_rows(account: UUID, links: Mapping[bytes, UUID]) -> list[bytes]:
    """Message-ID digests and their threads, in the order of LINK_COLUMNS."""
    return [_link(account.bytes, thread.bytes) + binary.octets(digest) for digest, thread in links.items()]


def figures_of(messages: Mapping[UUID, Arrival]) -> Figures:
    """What a thread of these messages shows."""
    first = min(messages.values(), key=lambda a: (a.received_at, a.is_reply, a.message))
    assert first.parsed is not None
    flags = [arrival.flags for arrival in messages.values()]
    return Figures(
        subject=first.parsed.subject,
        message_count=len(messages),
        earliest_at=first.received_at,
        latest_at=max(arrival.received_at for arrival in messages.values()),
        unread=any("\\Seen" not in each for each in flags),
        starred=any("\\Flagged" in each for each in flags),
        has_attachments=any(arrival.parsed and has_attachments(arrival.parsed) for arrival in messages.values()),
        has_drafts=any("\\Draft" in each for each in flags),
    )


def figure_columns(threads: Mapping[UUID, Figures]) -> list[str]:
    """Threads and their figures as arrays' literals, one a column."""
    subjects, counts, earliest, latest, *marks = zip(*threads.values(), strict=True)
    return [
        plain_array(threads),
        array(subjects),
        plain_array(counts),
        plain_array(at.isoformat() for at in earliest),
        plain_array(at.isoformat() for at in latest),
        *map(plain_array, marks),
    ]


def has_attachments(parsed: Parsed) -> bool:
    """At least one that is not inline."""
    return any(not attachment.is_inline for attachment in parsed.attachments)


def participants(parsed: Parsed) -> frozenset[str]:
    """Lower-case addresses of everybody the message names."""
    everybody = (*parsed.from_, *parsed.to, *parsed.cc, *parsed.bcc)
    emails = (address.email.lower() for address in everybody)
    return frozenset(email for email in emails if 0 < len(email.encode()) <= ADDRESS_OCTETS)


def _cut(text: str, octets: int) -> str:
    return text.encode()[:octets].decode(errors="ignore")


def _addresses(addresses: Sequence[Address]) -> bytes:
    if not addresses:
        return _NO_LIST
    each = [f'{{"name": {_json(address.name)}, "email": {_json(address.email)}}}' for address in addresses]
    return binary.jsonb("[" + ", ".join(each) + "]")
