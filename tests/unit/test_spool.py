"""Octets in a temporary file: read as they were written, from memory only while they are looked at."""

import hashlib
import io
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mail import spool
from mail.raw import packing
from mail.raw.packing import Content, decompress, pack
from mail.raw.spooled import Reader, SpooledFrames
from mail.spool import Spool
from mail.types import NoRoom, Octets
from tests.memory import files_of_at_most, peak
from tests.unit.test_raw_packing import content, cut, plain


def on_file(*written: bytes) -> Octets:
    with Spool() as file:
        for octets in written:
            file.write(octets)
        return file.octets()


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(1, 50))
def test_what_was_written_is_read(written: list[bytes], size: int) -> None:
    octets, whole = on_file(*written), b"".join(written)
    assert (len(octets), octets[:]) == (len(whole), whole)
    assert b"".join(spool.stretches(octets, size)) == whole
    assert spool.digest(octets, b"more") == hashlib.sha256(whole + b"more").digest()


def test_a_file_that_cannot_be_written_or_made_is_an_error_in_words(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with Spool() as file, files_of_at_most(10), pytest.raises(NoRoom, match="be written: File too large"):
        file.write(b"x" * 11)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with pytest.raises(NoRoom, match="No such file or directory"):
        Spool()


def test_large_contents_are_packed_as_small_ones_are(monkeypatch: pytest.MonkeyPatch) -> None:
    contents = [content(bytes(range(256)) * 30_000), content(b"x" * 700_000), content(b"small")]
    small = pack(contents)
    monkeypatch.setattr(packing, "SPOOLED", 1_000)
    large = pack([Content(each.message, on_file(each.raw[:])) for each in contents])
    assert isinstance(large.frames, SpooledFrames)
    assert list(large.frames) == list(small.frames)
    assert (len(large.frames), large.places, large.octets) == (len(small.frames), small.places, small.octets)
    assert cut(plain(large), large, contents[0].message) == contents[0].raw
    assert b"".join(decompress(data) for _start, data in large.frames) == plain(small)


def test_packing_a_large_content_takes_little_memory() -> None:
    large = Content(content(b"").message, on_file(*[bytes([number] * 1_000_000) for number in range(60)]))
    with peak() as memory:
        packed = pack([large])
        assert len(list(packed.frames)) == len(packed.frames) > 200
    assert memory.more < 10_000_000


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=100), st.lists(st.integers(-1, 30), max_size=9), st.integers(0, 110))
def test_a_reader_reads_as_a_file_does(octets: bytes, sizes: list[int], place: int) -> None:
    ours, theirs = Reader(on_file(octets)), io.BytesIO(octets)
    for size in sizes:
        assert ours.read(size) == theirs.read(size)
        assert ours.tell() == theirs.tell()
    assert ours.seek(0, io.SEEK_END) == len(octets)
    assert (ours.seek(place), ours.read(), ours.read()) == (theirs.seek(place), theirs.read(), theirs.read())
    assert ours.readable()
    assert ours.seekable()
