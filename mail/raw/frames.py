"""Ranges of packs' contents: the frames that hold them, from their rows or from objects, each decompressed once."""

import bisect
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

import zstandard
from django.db import connection

from mail.raw.objects import key, store_at
from mail.raw.packing import MOST_PARTS, decompress
from mail.spool import Spool
from mail.types import NoRoom, Octets

log = logging.getLogger(__name__)

LARGE = 8 * 1024 * 1024  # octets of a content that is in memory as a whole
_PIECE = 2 * 1024 * 1024  # octets of a larger one asked for together; on their way they are held six times over

# First which rows, then what is in them, in any order: a sort would carry the data along.
_FRAMES = f"""
WITH touched AS MATERIALIZED (
    SELECT DISTINCT f.pack_id, f.start
    FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[]) AS wanted(pack, first, last)
    JOIN mail_frame f ON f.pack_id = wanted.pack
     AND f.start < wanted.last + {MOST_PARTS} AND f.start - f.part < wanted.last AND f.start >= (
        SELECT max(start) FROM mail_frame WHERE pack_id = wanted.pack AND start <= wanted.first AND part = 0)
)
SELECT f.pack_id, f.start, f.part, f.data, p.account_id, p.store, f.at, f.size
FROM touched JOIN mail_pack p ON p.id = touched.pack_id
JOIN mail_frame f ON f.pack_id = touched.pack_id AND f.start = touched.start
"""  # noqa: S608 -- a constant


class Range(NamedTuple):
    """Octets of a pack's contents."""

    pack: UUID
    at: int
    size: int


def load(ranges: Mapping[UUID, Range]) -> dict[UUID, Octets]:
    """The contents of ranges; those that cannot be read are absent. One statement, and a request for each stretch of an
    object; large ones lie in files, and need a statement for each piece. Raises StoreUnavailable."""
    frames = _Frames(sorted({wanted for wanted in ranges.values() if wanted.size <= LARGE}))
    found: dict[UUID, Octets] = {}
    for name, wanted in ranges.items():
        try:
            found[name] = frames.cut(wanted) if wanted.size <= LARGE else _large(wanted)
        except (LookupError, zstandard.ZstdError) as error:
            log.info("pack %s: octets from %d on cannot be read (%s)", wanted.pack, wanted.at, error)
    return found


def _large(wanted: Range) -> Octets:
    """A range piece by piece, in a file if there is room for one. Raises LookupError or zstandard.ZstdError."""
    try:
        with Spool() as spool:
            for piece in _pieces(wanted):
                spool.write(piece)
            return spool.octets()
    except NoRoom as error:
        log.warning("read into memory: %s", error)
        return b"".join(_pieces(wanted))


def _pieces(wanted: Range) -> Iterator[bytes]:
    end = wanted.at + wanted.size
    for at in range(wanted.at, end, _PIECE):
        part = Range(wanted.pack, at, min(_PIECE, end - at))
        yield _Frames([part]).cut(part)


class _Row(NamedTuple):
    """A frame, and where it is: its data, or its octets of the pack's object. A part of its data is its number from
    the frame's start."""

    pack: UUID
    start: int
    part: int
    data: bytes | None
    account_id: UUID
    store: str
    at: int
    size: int


class _Frames:
    """The frames that some ranges touch. Only the one that was last used is kept decompressed: ranges come in order."""

    def __init__(self, ranges: Sequence[Range]) -> None:
        self._starts: dict[UUID, list[int]] = {}
        self._frames: dict[UUID, list[bytes | memoryview]] = {}
        self._plain: tuple[UUID, int] | None = None
        self._content = b""
        for pack, start, data in _fetched(_rows(ranges)):
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


def _rows(ranges: Sequence[Range]) -> list[_Row]:
    wanted = [(str(pack), at, at + size) for pack, at, size in ranges if size]
    if not wanted:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_FRAMES, [list(column) for column in zip(*wanted, strict=True)])
        rows = sorted((_Row(*row) for row in cursor), key=lambda row: (row.pack, row.start))
    return [_joined(list(parts)) for _frame, parts in groupby(rows, _frame_of)]


def _frame_of(row: _Row) -> tuple[UUID, int]:
    return row.pack, row.start - row.part


def _joined(parts: Sequence[_Row]) -> _Row:
    """A frame of its parts. One that lacks some cannot be decompressed."""
    first = parts[0]
    if first.data is None or (first.part == 0 and len(parts) == 1):
        return first
    return first._replace(start=first.start - first.part, part=0, data=b"".join([part.data or b"" for part in parts]))


def _fetched(rows: Iterable[_Row]) -> Iterator[tuple[UUID, int, bytes | memoryview]]:
    """(pack, start, compressed) of the frames that there are; neighbours in an object come with one request."""
    run: list[_Row] = []
    for row in rows:
        if row.data is not None:
            yield row.pack, row.start, row.data
        elif run and run[-1].pack == row.pack and run[-1].at + run[-1].size == row.at:
            run.append(row)
        else:
            yield from _read(run)
            run = [row]
    yield from _read(run)


def _read(run: Sequence[_Row]) -> Iterator[tuple[UUID, int, bytes | memoryview]]:
    if not run:
        return
    first, last = run[0], run[-1]
    size = last.at + last.size - first.at
    try:
        octets = memoryview(store_at(first.store).read(key(first.account_id, first.pack), first.at, size))
    except LookupError as error:
        log.info("pack %s: %s", first.pack, error)
        return
    for row in run:
        yield row.pack, row.start, octets[row.at - first.at :][: row.size]
