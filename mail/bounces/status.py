"""Status codes (RFC 3463), and what of an address they tell."""

import re
from collections.abc import Sequence
from typing import Literal

from mail.types import BouncedRecipient

RECIPIENTS = 1_000
WORDS = 1_000  # characters of a diagnostic
_ENHANCED = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_REPLY = re.compile(r"(?<![\d.])([45])\d\d(?=[\s-])")
_FULL = frozenset({"5.2.2"})  # a mailbox that is full today is not tomorrow


def code(*texts: str) -> str:
    """The first status code in these texts; "5.0.0" or "4.0.0" by the code of an SMTP reply; "" without."""
    for text in texts:
        if found := _ENHANCED.search(text[:WORDS]):
            return found[1]
    for text in texts:
        if found := _REPLY.search(text[:WORDS]):
            return f"{found[1]}.0.0"
    return ""


def kind(recipients: Sequence[BouncedRecipient]) -> Literal["hard", "soft"]:
    """Whether one of the addresses will fail again, as far as its server tells."""
    lasting = (each.status for each in recipients if each.status not in _FULL)
    return "hard" if any(status.startswith("5") for status in lasting) else "soft"


def cleaned(text: str, most: int = WORDS) -> str:
    """On one line, without what PostgreSQL takes not."""
    return " ".join(text.replace("\0", "").split())[:most]
