"""A message is read from a file as it is from memory, and no more of it is in memory than is looked at."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mail import mime
from mail.mime import structure, transfer
from mail.mime.reading import read, read_headline
from mail.spool import STRETCH, Spool
from mail.types import Octets
from tests.memory import peak
from tests.unit.test_mime_bounds import HOSTILE, PIECES, SAMPLES

KINDS = ["base64", "quoted-printable", "7bit", "x-uuencode"]


def on_file(raw: bytes) -> Octets:
    with Spool() as spool:
        for at in range(0, len(raw), STRETCH):
            spool.write(raw[at : at + STRETCH])
        return spool.octets()


def assert_reads_alike(raw: bytes) -> None:
    file = on_file(raw)
    parsed = read(raw)
    assert read(file) == parsed
    assert read_headline(file) == read_headline(raw)
    assert mime.body(file) == mime.body(raw)
    assert mime.headers(file) == mime.headers(raw)
    for attachment in parsed.attachments[:3]:
        assert mime.attachment_bytes(file, attachment.part) == mime.attachment_bytes(raw, attachment.part)


@pytest.mark.parametrize("number", range(len(SAMPLES)))
def test_a_sample_on_file_is_read_as_one_in_memory(number: int) -> None:
    assert_reads_alike(SAMPLES[number])


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_on_file_is_read_as_in_memory(name: str) -> None:
    assert_reads_alike(HOSTILE[name])


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=40).map(b"".join), st.integers(1, 20))
@settings(deadline=None, max_examples=400)
def test_where_stretches_end_makes_no_difference(raw: bytes, stretch: int) -> None:
    whole = read(raw)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(structure, "STRETCH", stretch)
        patched.setattr(transfer, "CHUNK", stretch)
        assert read(on_file(raw)) == whole


@given(
    st.lists(st.sampled_from([b"=", b"\n", b"\r", b" ", b"=C3", b"ab"]), max_size=30).map(b"".join), st.integers(1, 9)
)
@settings(deadline=None, max_examples=400)
def test_what_a_part_decodes_to_is_counted_piece_by_piece(encoded: bytes, chunk: int) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(transfer, "CHUNK", chunk)
        for kind in KINDS:
            data, intact = transfer.decode(encoded, kind)
            assert transfer.size(on_file(encoded), 0, len(encoded), kind) == (len(data), intact)
            assert b"".join(transfer.pieces(on_file(encoded), 0, len(encoded), kind)) == data


@pytest.mark.parametrize("encoding", KINDS)
def test_reading_a_large_file_takes_little_memory(encoding: str) -> None:
    line = b"M" + b"QUJD" * 19 + b"\n"
    raw = on_file(
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nHello.\n--b\nContent-Type: a/b\n"
        b"Content-Transfer-Encoding: " + encoding.encode() + b"\n\n" + line * 500_000 + b"\n--b--\n"
    )
    with peak() as memory:
        parsed = mime.headline(raw)

    assert parsed.snippet == "Hello."
    assert len(parsed.attachments) == 1
    assert memory.more < 8_000_000
