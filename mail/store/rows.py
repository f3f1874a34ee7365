"""Arrivals as rows: texts as COPY reads them, in the order of columns."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from mail.copying import array, boolean, moment, plain_array
from mail.types import Address, Arrival, LocalFolder, Parsed

Row = tuple[str | None, ...]

MESSAGE_COLUMNS = (
    "id", "account_id", "thread_id", "digest", "size", "pack_id", "raw_at", "raw_size", "header_id", "subject",
    "subject_key", "is_reply", "has_references", "from_addresses", "to_addresses", "cc_addresses", "bcc_addresses",
    "reply_to_addresses", "participants", "sent_at", "received_at", "snippet", "attachments", "has_attachments",
    "problem", "folder_ids", "unread", "starred", "draft",
)  # fmt: skip
HEADER_ID_OCTETS = 998  # RFC 5322 §2.1.1: no line is longer; a B-tree takes 2,704
ADDRESS_OCTETS = 320  # RFC 3696: 64 @ 255; an index entry takes 8,191


def message_row(
    account: str, folder: LocalFolder, arrival: Arrival, thread: UUID, pack: str, place: tuple[int, int]
) -> Row:
    """A new message with its one place, in the order of MESSAGE_COLUMNS. `place`: its contents' in the pack."""
    parsed = arrival.parsed
    assert parsed is not None, "only messages that were read become rows"
    raw_at, raw_size = place
    return (
        str(arrival.message), account, str(thread), "\\x" + arrival.digest.hex(), str(arrival.size), pack, str(raw_at),
        str(raw_size), _cut(parsed.header_id, HEADER_ID_OCTETS), parsed.subject,
        None if arrival.subject_key is None else str(arrival.subject_key), boolean(arrival.is_reply),
        boolean(bool(parsed.references)), _addresses(parsed.from_), _addresses(parsed.to), _addresses(parsed.cc),
        _addresses(parsed.bcc), _addresses(parsed.reply_to), array(sorted(participants(parsed))), moment(parsed.date),
        moment(arrival.received_at), parsed.snippet,
        json.dumps([asdict(attachment) for attachment in parsed.attachments]) if parsed.attachments else "[]",
        boolean(has_attachments(parsed)), parsed.problem, plain_array([folder.id]),
        boolean("\\Seen" not in arrival.flags), boolean("\\Flagged" in arrival.flags),
        boolean("\\Draft" in arrival.flags),
    )  # fmt: skip


def location_columns(arrivals: Sequence[Arrival]) -> tuple[str, str, str, str]:
    """Arrays of UIDs, messages, flags (each an array's literal) and times. Twins take one time, their message's."""
    received: dict[UUID, datetime] = {}
    return (
        plain_array([arrival.uid for arrival in arrivals]),
        plain_array([arrival.message for arrival in arrivals]),
        array([array(sorted(arrival.flags)) for arrival in arrivals]),
        plain_array([received.setdefault(a.message, a.received_at).isoformat() for a in arrivals]),
    )


def thread_figures(messages: Mapping[UUID, Arrival]) -> Row:
    """What a thread of these messages shows: subject, count, earliest, latest, unread, starred, has attachments, has
    drafts. The SQL of mail.store.derive says the same."""
    first = min(messages.values(), key=lambda a: (a.received_at, a.is_reply, a.message))
    assert first.parsed is not None
    flags = [arrival.flags for arrival in messages.values()]
    return (
        first.parsed.subject,
        str(len(messages)),
        moment(first.received_at),
        moment(max(arrival.received_at for arrival in messages.values())),
        boolean(any("\\Seen" not in each for each in flags)),
        boolean(any("\\Flagged" in each for each in flags)),
        boolean(any(arrival.parsed and has_attachments(arrival.parsed) for arrival in messages.values())),
        boolean(any("\\Draft" in each for each in flags)),
    )


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


def _addresses(addresses: tuple[Address, ...]) -> str:
    if not addresses:
        return "[]"
    return json.dumps([{"name": address.name, "email": address.email} for address in addresses])
