"""What a delivery status notification says of a message that was sent."""

from typing import Literal, NamedTuple


class BouncedRecipient(NamedTuple):
    """An address that a message did not reach. Texts are "" where the notification does not tell."""

    address: str
    status: str  # RFC 3463: "5.1.1"
    diagnostic: str  # the refusing server's words
    action: str = "failed"  # RFC 3464 §2.3.3


class Bounce(NamedTuple):
    """A message that failed for some of its recipients. "hard": at least one of the addresses will fail again."""

    original_header_id: str  # Message-ID without angle brackets
    recipients: tuple[BouncedRecipient, ...]
    kind: Literal["hard", "soft"]
