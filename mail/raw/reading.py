"""Contents out of packs: the frames that hold them, each decompressed once."""

import bisect
import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

import zstandard
from django.db import connection

from mail.models import Message
from mail.raw.packing import decompress, digest

log = logging.getLogger(__name__)

_FRAMES = """
SELECT DISTINCT ON (f.pack_id, f.start) f.pack_id, f.start, f.data
FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[]) AS wanted(pack, first, last)
JOIN mail_frame f ON f.pack_id = wanted.pack AND f.start < wanted.last
 AND f.start >= (SELECT max(start) FROM mail_frame WHERE pack_id = wanted.pack AND start <= wanted.first)
ORDER BY f.pack_id, f.start
"""


class Range(NamedTuple):
    """Octets of a pack's contents."""

    pack: UUID
    at: int
    size: int


def raws(messages: Iterable[Message]) -> dict[UUID, bytes]:
    """Raw messages by message id. Those that are lost or damaged are absent."""
    wanted = [message for message in messages if message.pack_id]
    found = _load({m.pk: Range(m.pack_id, m.raw_at, m.raw_size) for m in wanted if m.pack_id})
    return {message.pk: found[message.pk] for message in wanted if _is_intact(message, found.get(message.pk))}


def raws_of(ids: Iterable[UUID]) -> dict[UUID, bytes]:
    """`raws` of the messages with these ids."""
    columns = ("digest", "size", "pack", "raw_at", "raw_size")
    return raws(Message.objects.filter(id__in=list(ids)).only(*columns))


def stored(message: Message) -> bytes | None:
    """One raw message, or None."""
    return raws([message]).get(message.pk)


def bodies(messages: Iterable[Message]) -> dict[UUID, str]:
    """Bodies by message id; a message without one is absent."""
    ranges = {m.pk: Range(m.pack_id, m.body_at, m.body_size) for m in messages if m.pack_id and m.body_size}
    return {message: content.decode(errors="replace") for message, content in _load(ranges).items()}


def body(message: Message) -> str:
    """The body as it is shown, or ""."""
    return bodies([message]).get(message.pk, "")


def _is_intact(message: Message, content: bytes | None) -> bool:
    """A message that was too large has the digest of its header and its size."""
    if content is not None:
        if bytes(message.digest) in {digest(content), digest(content + str(message.size).encode())}:
            return True
        log.error("message %s: its stored raw message is damaged", message.pk)
    return False


def _load(ranges: Mapping[UUID, Range]) -> dict[UUID, bytes]:
    """The contents of ranges; those that cannot be read are absent."""
    frames = _Frames(sorted(set(ranges.values())))
    found = {}
    for key, wanted in ranges.items():
        try:
            found[key] = frames.cut(wanted)
        except (LookupError, zstandard.ZstdError) as error:
            log.error("pack %s: octets from %d on are lost or damaged (%s)", wanted.pack, wanted.at, error)  # noqa: TRY400 -- the trace says nothing
    return found


class _Frames:
    """The frames that some ranges touch. Only the one that was last used is kept decompressed: ranges come in order."""

    def __init__(self, ranges: Sequence[Range]) -> None:
        self._starts: dict[UUID, list[int]] = {}
        self._frames: dict[UUID, list[bytes]] = {}
        self._plain: tuple[UUID, int] | None = None
        self._content = b""
        if not ranges:
            return
        packs, firsts, lasts = zip(*((str(pack), at, at + size) for pack, at, size in ranges), strict=True)
        with connection.cursor() as cursor:
            cursor.execute(_FRAMES, [list(packs), list(firsts), list(lasts)])
            for pack, start, data in cursor.fetchall():
                self._starts.setdefault(pack, []).append(start)
                self._frames.setdefault(pack, []).append(data)

    def cut(self, wanted: Range) -> bytes:
        """The octets of a range. Raises LookupError or zstandard.ZstdError."""
        pieces = []
        at, last = wanted.at, wanted.at + wanted.size
        while at < last:
            start, content = self._frame(wanted.pack, at)
            piece = content[at - start : last - start]
            if not piece:
                raise LookupError("a frame is missing")
            pieces.append(piece)
            at += len(piece)
        return b"".join(pieces)

    def _frame(self, pack: UUID, at: int) -> tuple[int, bytes]:
        """The frame that holds an octet, as far as frames tell: where it begins, and what is in it."""
        index = bisect.bisect_right(self._starts[pack], at) - 1
        if index < 0:
            raise LookupError("the first frame is missing")
        if self._plain != (pack, index):
            self._content, self._plain = decompress(self._frames[pack][index]), (pack, index)
        return self._starts[pack][index], self._content
