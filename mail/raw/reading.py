"""Messages' contents out of packs, checked: what is lost or damaged is noticed here."""

import logging
from collections.abc import Iterable, Sequence
from uuid import UUID

from mail.models import Message
from mail.raw.frames import Range, load
from mail.raw.writing import lose
from mail.spool import digest
from mail.types import Octets

log = logging.getLogger(__name__)

PLACES = ("account", "digest", "size", "pack", "raw_at", "raw_size")


def raws(messages: Iterable[Message]) -> dict[UUID, Octets]:
    """Raw messages by message id, large ones in files. Those that are lost or damaged are absent, and noted.

    Raises StoreUnavailable."""
    return _read(list(messages))


def raws_of(ids: Iterable[UUID]) -> dict[UUID, Octets]:
    """`raws` of the messages with these ids."""
    return raws(Message.objects.filter(id__in=list(ids)).only(*PLACES))


def stored(message: Message) -> Octets | None:
    """One raw message, or None. Raises StoreUnavailable."""
    return raws([message]).get(message.pk)


def intact_raws(messages: Sequence[Message]) -> dict[UUID, Octets]:
    """Raw messages where these rows say that they are, as far as they have their digests."""
    found = load({m.pk: Range(m.pack_id, m.raw_at, m.raw_size) for m in messages if m.pack_id})
    return {m.pk: found[m.pk] for m in messages if m.pk in found and _is_intact(m, found[m.pk])}


def _read(asked: list[Message]) -> dict[UUID, Octets]:
    """What is not where it was when the caller read its row is looked for again: it may have been packed anew since.
    What is not found then is lost."""
    found = intact_raws(asked)
    missing = {message.pk: message.pack_id for message in asked if message.pk not in found}
    if missing:
        now = list(Message.objects.filter(id__in=list(missing)).only(*PLACES))
        found |= intact_raws([message for message in now if message.pack_id != missing[message.pk]])
        lost = [message.pk for message in now if message.pk not in found]
        if lost:
            log.error("messages whose contents are lost or damaged: %s", ", ".join(map(str, lost)))
            lose(lost)
    return found


def _is_intact(message: Message, content: Octets) -> bool:
    return bytes(message.digest) == digest(content) or is_header(message, content)


def is_header(message: Message, content: Octets) -> bool:
    """Whether a message's contents are its header alone, because it was too large: it has the digest of that and its
    size."""
    return bytes(message.digest) == digest(content, str(message.size).encode())
