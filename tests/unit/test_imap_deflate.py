"""Compressed streams are read piece by piece, never more at once than is asked for."""

import io
import random
import tracemalloc
import zlib

import pytest

from mail.imap.deflate import Deflater, Inflated
from mail.imap.reader import ProtocolBroken, ResponseReader


class Pieces(io.RawIOBase):
    """A source that gives what it has piece by piece, as a socket does, and tells when it is asked for more."""

    def __init__(self, pieces: list[bytes]) -> None:
        super().__init__()
        self.pieces = pieces

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override] # as BufferedReader calls it
        if not self.pieces:
            raise BlockingIOError("a socket would wait here")
        piece = self.pieces.pop(0)
        buffer[: len(piece)] = piece
        return len(piece)


def deflated(octets: bytes, flush: int = zlib.Z_SYNC_FLUSH) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    return deflater.compress(octets) + deflater.flush(flush)


def inflated(*pieces: bytes) -> Inflated:
    return Inflated(io.BufferedReader(Pieces(list(pieces))))


@pytest.mark.parametrize("size", [1, 7, 258, 5000])
def test_all_that_was_sent_can_be_read_before_more_is_waited_for(size: int) -> None:
    sent = b"x" * 1000 + random.Random(1).randbytes(1000) + b"x" * 3000
    stream = inflated(deflated(sent))
    read = b""
    while len(read) < len(sent):
        read += stream.read(size) or b""
    assert read == sent


def test_it_does_not_matter_where_the_line_splits_it() -> None:
    sent = b"* OK done\r\n" * 50
    octets = deflated(sent)
    for step in range(1, len(octets)):
        pieces = [octets[start : start + step] for start in range(0, len(octets), step)]
        assert io.BufferedReader(inflated(*pieces)).read(len(sent)) == sent


def test_a_bomb_takes_no_memory_until_it_is_read_and_the_reader_bounds_that() -> None:
    bomb = deflated(b"x" * 200_000_000)
    tracemalloc.start()
    stream = io.BufferedReader(inflated(*[bomb[start : start + 8192] for start in range(0, len(bomb), 8192)]), 65_536)
    with pytest.raises(ProtocolBroken, match="a line of more than"):
        ResponseReader(stream).next()
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 150_000_000, "a line of 64 MB at most, and what joins its pieces"


def test_one_reading_hands_out_no_more_than_was_asked_for() -> None:
    stream = inflated(deflated(b"x" * 1_000_000))
    assert {len(stream.read(1000) or b"") for _ in range(100)} == {1000}


def test_what_is_no_deflate_stream_is_no_imap() -> None:
    with pytest.raises(ProtocolBroken, match="inflated"):
        inflated(b"\xff\xffnot deflated").read(10)


def test_a_stream_that_is_finished_has_ended() -> None:
    stream = inflated(deflated(b"* BYE\r\n", zlib.Z_FINISH) + b"more")
    assert (stream.read(100), stream.read(100)) == (b"* BYE\r\n", b"")


def test_what_is_sent_can_be_read_at_once() -> None:
    deflater = Deflater()
    inflater = zlib.decompressobj(-15)
    for command in (
        b"F1 NOOP\r\n",
        b"F2 UID FETCH 1:200 (UID FLAGS)\r\n",
        b"F3 UID FETCH 201:400 (UID FLAGS)\r\n" * 100,
    ):
        assert inflater.decompress(deflater(command)) == command
