"""Arrivals as rows."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from psycopg2.extras import Json

from mail.types import Address, Arrival, LocalFolder, Parsed

MESSAGE_COLUMNS = (
    "id", "account_id", "thread_id", "digest", "size", "header_id", "subject", "subject_key", "is_reply",
    "has_references", "from_addresses", "to_addresses", "cc_addresses", "bcc_addresses", "reply_to_addresses",
    "participants", "sent_at", "received_at", "snippet", "attachments", "has_attachments", "problem",
    "folder_ids", "unread", "starred", "draft",
)  # fmt: skip
MESSAGE_TEMPLATE = (
    f"({', '.join({'participants': '%s::text[]', 'folder_ids': '%s::uuid[]'}.get(c, '%s') for c in MESSAGE_COLUMNS)})"
)
HEADER_ID_OCTETS = 998  # RFC 5322 §2.1.1: no line is longer; a B-tree takes 2,704
ADDRESS_OCTETS = 320  # RFC 3696: 64 @ 255; an index entry takes 8,191


def message_row(account_id: UUID, folder: LocalFolder, arrival: Arrival, thread: UUID) -> tuple[object, ...]:
    """A new message with its one place, in the order of MESSAGE_COLUMNS."""
    parsed = arrival.parsed
    assert parsed is not None, "only messages that were read become rows"
    return (
        arrival.message, account_id, thread, arrival.digest, arrival.size, _cut(parsed.header_id, HEADER_ID_OCTETS),
        parsed.subject, arrival.subject_key, arrival.is_reply, bool(parsed.references),
        _addresses(parsed.from_), _addresses(parsed.to), _addresses(parsed.cc), _addresses(parsed.bcc),
        _addresses(parsed.reply_to), sorted(participants(parsed)), parsed.date, arrival.received_at, parsed.snippet,
        Json([asdict(attachment) for attachment in parsed.attachments]),
        any(not attachment.is_inline for attachment in parsed.attachments), parsed.problem,
        [folder.id], "\\Seen" not in arrival.flags, "\\Flagged" in arrival.flags, "\\Draft" in arrival.flags,
    )  # fmt: skip


def location_rows(folder: LocalFolder, arrivals: Sequence[Arrival]) -> list[tuple[object, ...]]:
    """(folder, uidvalidity, uid, message, flags, received_at) of each. Twins take one date, their message's."""
    received: dict[UUID, datetime | None] = {}
    return [
        (
            folder.id,
            folder.uidvalidity,
            arrival.uid,
            arrival.message,
            sorted(arrival.flags),
            received.setdefault(arrival.message, arrival.received_at),
        )
        for arrival in arrivals
    ]


def participants(parsed: Parsed) -> frozenset[str]:
    """Lower-case addresses of everybody the message names."""
    everybody = (*parsed.from_, *parsed.to, *parsed.cc, *parsed.bcc)
    emails = (address.email.lower() for address in everybody)
    return frozenset(email for email in emails if 0 < len(email.encode()) <= ADDRESS_OCTETS)


def _cut(text: str, octets: int) -> str:
    return text.encode()[:octets].decode(errors="ignore")


def _addresses(addresses: tuple[Address, ...]) -> Json:
    return Json([{"name": address.name, "email": address.email} for address in addresses])
