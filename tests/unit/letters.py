"""Letters as tests write them, and what other programs read of a message."""

import email
import email.policy
from datetime import UTC, datetime
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses
from typing import Any

from mail.types import Address, Letter

SENDER = Address("Alice", "alice@x.test")
BOB = Address("Bob", "bob@x.test")


def letter(**changes: Any) -> Letter:
    written: dict[str, Any] = {
        "sender": SENDER, "to": (BOB,), "cc": (), "bcc": (), "reply_to": (), "subject": "Hello", "body": "<p>Hi</p>",
        "is_plaintext": False, "files": (), "headers": (), "header_id": "1@x.test",
        "date": datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
    }  # fmt: skip
    return Letter(**(written | changes))


def by_stdlib(octets: bytes) -> Message:
    return email.message_from_bytes(octets)


def text_of(value: Any) -> str:
    return str(make_header(decode_header(str(value).replace("\r\n", ""))))


def people_by_stdlib(octets: bytes, name: str) -> list[Address]:
    """Parsed before they are decoded, as RFC 2047 §6.2 says."""
    values = [str(value) for value in by_stdlib(octets).get_all(name, [])]
    return [Address(text_of(shown), address) for shown, address in getaddresses(values)]


def leaves(octets: bytes) -> list[Message]:
    return [part for part in by_stdlib(octets).walk() if not part.is_multipart()]


def shape(octets: bytes) -> str:
    return _shape(by_stdlib(octets))


def _shape(part: Message) -> str:
    if not part.is_multipart():
        return part.get_content_type()
    inner = ", ".join(_shape(each) for each in part.get_payload() if isinstance(each, Message))
    return f"{part.get_content_subtype()}({inner})"
