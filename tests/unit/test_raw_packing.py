"""Contents into frames: where each lies, how large a frame gets, what damage looks like."""

from contextlib import suppress
from uuid import UUID, uuid4

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from mail.raw.packing import FRAME, LARGEST_FRAME, Content, Packed, columns, compress, decompress, pack


def content(raw: bytes) -> Content:
    return Content(uuid4(), raw)


def plain(packed: Packed) -> bytes:
    """All of it, decompressed; seen to begin where each frame says."""
    whole = b""
    for start, data in packed.frames:
        assert start == len(whole)
        whole += decompress(data)
    return whole


def cut(whole: bytes, packed: Packed, message: UUID) -> bytes:
    at, size = packed.places[message]
    return whole[at : at + size]


@settings(deadline=None)
@given(st.lists(st.binary(max_size=400), max_size=12))
def test_every_content_is_found_at_its_place(raws: list[bytes]) -> None:
    contents = [content(raw) for raw in raws]
    packed = pack(contents)
    whole = plain(packed)
    assert packed.octets == len(whole) == sum(map(len, raws))
    assert [cut(whole, packed, one.message) for one in contents] == raws


@settings(deadline=None)
@given(st.lists(st.integers(0, 3 * FRAME), max_size=6))
def test_contents_of_any_size_are_found_and_frames_are_bounded(sizes: list[int]) -> None:
    contents = [content(bytes([number]) * size) for number, size in enumerate(sizes)]
    packed = pack(contents)
    whole = plain(packed)
    assert all(cut(whole, packed, one.message) == one.raw for one in contents)
    assert all(0 < zstandard.frame_content_size(data) <= FRAME <= LARGEST_FRAME for _start, data in packed.frames)


def test_a_content_that_fits_into_a_frame_is_in_one() -> None:
    contents = [content(bytes([number]) * (FRAME // 3)) for number in range(10)]
    packed = pack(contents)
    starts = [start for start, _data in packed.frames]
    for raw_at, raw_size in packed.places.values():
        assert not any(raw_at < start < raw_at + raw_size for start in starts)
    assert len(packed.frames) == 4


def test_nothing_packs_into_no_frames() -> None:
    packed = pack([content(b"")])
    assert (packed.octets, list(packed.frames)) == (0, [])
    assert list(packed.places.values()) == [(0, 0)]


def test_places_become_columns() -> None:
    packed = pack([one := content(b"raw"), two := content(b"more")])
    assert columns(packed.places) == [[one.message, two.message], [0, 3], [3, 4]]
    assert columns({}) == [[], [], []]


@settings(deadline=None, max_examples=1000)
@given(st.binary(min_size=1, max_size=300), st.data())
def test_a_damaged_frame_is_never_taken_for_a_good_one(octets: bytes, data: st.DataObject) -> None:
    frame = bytearray(compress(octets))
    at = data.draw(st.integers(0, len(frame) - 1))
    frame[at] ^= data.draw(st.integers(1, 255))
    with suppress(zstandard.ZstdError):
        assert decompress(bytes(frame)) == octets  # a bit that no decoder looks at


def test_a_frame_that_claims_to_be_huge_or_empty_is_damaged() -> None:
    frame = bytearray(compress(b"0"))
    frame[4] ^= 2  # its size is read as 0, and nothing of it by zstandard
    with pytest.raises(zstandard.ZstdError, match="larger or smaller"):
        decompress(bytes(frame))
    with pytest.raises(zstandard.ZstdError, match="larger or smaller"):
        decompress(compress(b"0" * (LARGEST_FRAME + 1)))
