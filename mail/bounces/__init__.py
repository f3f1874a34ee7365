"""Bounces: delivery status notifications that say a message failed. Pure: bytes to mail.types.Bounce.

What is delayed or relayed, what was read or answered automatically, and complaints are no bounces. Whether a
notification is true is not told here: anybody can write one. mail.store believes those of messages that were sent.
"""

from collections.abc import Iterable

from mail.bounces import report, words
from mail.mime import headers
from mail.types import Bounce, Octets

NOTIFIERS = frozenset({"mailer-daemon", "mailerdaemon", "postmaster", "mail-daemon", "mdaemon", "bounce", "bounces"})

__all__ = ["find", "may_be"]


def may_be(senders: Iterable[str], content_types: Iterable[str]) -> bool:
    """Whether a message of these From addresses and attachments has to be read to know."""
    return not report.STATUS.isdisjoint(content_types) or any(
        sender.partition("@")[0].lower() in NOTIFIERS for sender in senders
    )


def find(raw: Octets) -> Bounce | None:
    """What failed, as this notification says; None where it is none, or names no message. Never raises.

    Reads 256 kB of the report, of the text and of the message that is returned, and 1,000 recipients."""
    try:
        return report.read(raw) or words.read(raw, headers(raw))
    except Exception:  # noqa: BLE001 -- whatever one mail holds, the index goes on; tests call the readers
        return None
