"""Sets of UIDs as commands and responses write them: 1:5,7 (sequence-set, RFC 3501 §9)."""

import re
from collections.abc import Iterable, Iterator

# RFC 7162 §4 asks clients to keep a command line within 8,192 octets; the rest of the command needs room too.
MAX_OCTETS = 8000
# RFC 3501 gives 32 bits to a UID, so a response of ten octets may stand for four billion.
MAX_MEMBERS = 10_000_000

_RANGE = re.compile(rb"(\d{1,20})(?::(\d{1,20}))?")


class SetTooLarge(Exception):
    """A response names more UIDs than any folder holds."""


def ranges(uids: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Runs of consecutive UIDs, ascending, as (first, last)."""
    first = last = 0
    for uid in sorted(set(uids)):
        if uid == last + 1 and first:
            last = uid
            continue
        if first:
            yield first, last
        first = last = uid
    if first:
        yield first, last


def chunks(uids: Iterable[int]) -> Iterator[bytes]:
    """The set, compact and in ascending order, split into pieces that fit into a command line."""
    piece: list[bytes] = []
    size = 0
    for first, last in ranges(uids):
        text = b"%d" % first if first == last else b"%d:%d" % (first, last)
        if piece and size + len(text) > MAX_OCTETS:
            yield b",".join(piece)
            piece, size = [], 0
        piece.append(text)
        size += len(text) + 1
    if piece:
        yield b",".join(piece)


def members(text: bytes, low: int = 1, high: int = 2**32 - 1) -> Iterator[int]:
    """The UIDs of a set from a response that are in low..high, in the order given. Raises SetTooLarge."""
    total = 0
    for match in _RANGE.finditer(text):
        first = int(match[1])
        last = int(match[2]) if match[2] else first
        if first > last:  # RFC 3501: 4:2 is 2:4
            first, last = last, first
        first, last = max(first, low), min(last, high)
        total += max(0, last - first + 1)
        if total > MAX_MEMBERS:
            raise SetTooLarge
        yield from range(first, last + 1)
