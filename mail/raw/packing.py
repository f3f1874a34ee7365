"""Many contents into few frames: what is compressed together gets smaller, and a database stores few large rows
faster than many small ones. Pure."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

import zstandard

from mail import spool
from mail.raw.spooled import SpooledFrames
from mail.types import Octets

FRAME = 256 * 1024  # octets of contents that one reads to get at any of them
LARGEST_FRAME = 1024 * 1024  # no frame, of whatever version, holds more
# Octets of a row that fills a page of PostgreSQL's. More would be cut into pieces of 2 kB in a table beside (TOAST),
# which costs half as much again.
PART = 8096
MOST_PARTS = LARGEST_FRAME // PART + 2  # of a frame; what cannot be compressed becomes some octets larger
SPOOLED = 16 * 1024 * 1024  # octets of contents whose frames are kept in a file: twice a batch
# 350 MB a second a core, 0.52 of the size; level 3 takes 1.8 times as long for 0.49.
LEVEL = 1

_AT_ONCE = 16  # frames of such contents that are in memory at once

_local = threading.local()  # a (de)compressor serves one thread at a time; under gevent, one greenlet


@dataclass(frozen=True, slots=True)
class Content:
    """What a pack holds of a message."""

    message: UUID
    raw: Octets


@dataclass(frozen=True, slots=True)
class Packed:
    """A pack to be stored. `frames`: (octets of contents before it, compressed); `places`: message -> (raw_at,
    raw_size); `store`: address of the store that has its frames already, one after the other."""

    octets: int
    frames: Sequence[tuple[int, bytes]] | SpooledFrames
    places: dict[UUID, tuple[int, int]]
    id: UUID = field(default_factory=uuid4)
    store: str = ""


def pack(contents: Sequence[Content]) -> Packed:
    """The raw messages one after the other, in their order.

    Raises NoRoom where there are too many frames for memory, and no disk takes them."""
    places = {}
    at = 0
    for content in contents:
        places[content.message] = (at, len(content.raw))
        at += len(content.raw)
    stretches = _stretches([content.raw for content in contents])
    if at > SPOOLED:
        return Packed(at, SpooledFrames(_frames(stretches, _AT_ONCE)), places)
    return Packed(at, list(_frames(stretches, None)), places)


def _frames(stretches: Iterator[bytes], at_once: int | None) -> Iterator[tuple[int, bytes]]:
    """Each with the octets before it. `at_once`: so many are in memory; None: all."""
    start = 0
    while group := list(islice(stretches, at_once)):
        for stretch, data in zip(group, _compress_all(group), strict=True):
            yield start, data
            start += len(stretch)


def columns(places: Mapping[UUID, tuple[int, int]]) -> list[list[Any]]:
    """Places as the columns (message, raw_at, raw_size)."""
    return [list(places), [at for at, _size in places.values()], [size for _at, size in places.values()]]


def parts(data: bytes) -> list[bytes]:
    """A frame's data, as rows hold them."""
    return [data[start : start + PART] for start in range(0, len(data), PART)]


def _stretches(pieces: Sequence[Octets]) -> Iterator[bytes]:
    """The pieces joined into stretches of at most FRAME octets; a larger piece has some of its own."""
    gathered: list[Octets] = []
    size = 0
    for piece in pieces:
        if size + len(piece) > FRAME and gathered:
            yield b"".join(gathered)
            gathered, size = [], 0
        if len(piece) > FRAME:
            yield from spool.stretches(piece, FRAME)
        elif piece:
            gathered.append(piece)
            size += len(piece)
    if gathered:
        yield b"".join(gathered)


def compress(data: bytes) -> bytes:
    """One frame, with a checksum."""
    compressed: bytes = _compressor().compress(data)
    return compressed


def _compress_all(stretches: list[bytes]) -> list[bytes]:
    """A frame of each; the interpreter's lock is given up once for all, not for each, or others would win it."""
    given: list[bytes | bytearray | memoryview] = [*stretches]  # a list of bytes is none of these, by its type
    segments = _compressor().multi_compress_to_buffer(given, threads=1)
    return [segments[number].tobytes() for number in range(len(segments))]


def _compressor() -> zstandard.ZstdCompressor:
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)
    compressor: zstandard.ZstdCompressor = _local.compressor
    return compressor


def decompress(data: bytes | memoryview, largest: int = LARGEST_FRAME) -> bytes:
    """What `compress` took, of at most `largest` octets. Raises zstandard.ZstdError if it is damaged."""
    # What the frame claims is believed otherwise: so much is allocated, or nothing is looked at.
    if not 0 < zstandard.frame_content_size(data) <= largest:
        raise zstandard.ZstdError("the frame claims to be larger or smaller than any is")
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    plain: bytes = _local.decompressor.decompress(data, allow_extra_data=False)
    return plain
