"""Messages that users hand over as they are."""

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mail import mime
from mail.compose import Envelope, completed, compose, raw_recipients, without_bcc
from mail.spool import Spool
from mail.types import Address, LetterRefused
from tests.unit.letters import letter

DATE = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
RAW = (
    b"From: Alice <alice@x.test>\r\nBcc: secret@x.test,\r\n\t hidden@x.test\r\nTo: Bob <bob@x.test>, ann@x.test\r\n"
    b"BCC : third@x.test\r\nCc: =?utf-8?q?Zo=C3=AB?= <zoe@x.test>, BOB@x.test\r\nSubject: hi\r\n\r\nBcc: body@x.test\r\n"
)


def test_all_recipients_are_found_and_each_once() -> None:
    assert raw_recipients(RAW) == Envelope(
        Address("Alice", "alice@x.test"),
        ("secret@x.test", "hidden@x.test", "bob@x.test", "ann@x.test", "third@x.test", "zoe@x.test"),
    )


def test_bcc_goes_and_not_another_octet() -> None:
    assert without_bcc(RAW) == (
        b"From: Alice <alice@x.test>\r\nTo: Bob <bob@x.test>, ann@x.test\r\n"
        b"Cc: =?utf-8?q?Zo=C3=AB?= <zoe@x.test>, BOB@x.test\r\nSubject: hi\r\n\r\nBcc: body@x.test\r\n"
    )


@pytest.mark.parametrize(
    ("raw", "left"),
    [
        (b"Bcc: x\nFrom: a\n\nhi", b"From: a\n\nhi"),
        (b"From: a\nBcc: x\n\nhi", b"From: a\n\nhi"),
        (b"From: a\nBcc: x", b"From: a\n"),
        (b"From: a\nResent-Bcc: x\n folded\nTo: b\n\n", b"From: a\nTo: b\n\n"),
        (b"From: a\nX-Bcc: x\nTo: b\n Bcc: folded\n\n\xff\0\r", b"From: a\nX-Bcc: x\nTo: b\n Bcc: folded\n\n\xff\0\r"),
        (b"Bcc:\r\nFrom: a\r\nbcc:x\r\n\r\n", b"From: a\r\n\r\n"),
    ],
)
def test_bcc_goes_wherever_it_is(raw: bytes, left: bytes) -> None:
    assert without_bcc(raw) == left


def test_what_is_on_file_is_read_there() -> None:
    with Spool() as spool:
        spool.write(RAW)
        octets = spool.octets()
    assert raw_recipients(octets) == raw_recipients(RAW)
    assert without_bcc(octets) == without_bcc(RAW)
    assert completed(octets, header_id="1@x.test", date=DATE) == completed(RAW, header_id="1@x.test", date=DATE)


def test_what_we_compose_is_read_as_any() -> None:
    written = letter(bcc=(Address("S", "s@x.test"),))
    whole = compose(written, bcc=True)
    assert raw_recipients(whole).recipients == ("bob@x.test", "s@x.test")
    assert without_bcc(whole) == compose(written, bcc=False)
    assert completed(whole, header_id="2@x.test", date=DATE) == whole


def test_a_message_id_and_a_date_are_added_where_they_are_missing() -> None:
    added = completed(RAW, header_id="1@x.test", date=DATE)
    assert added == b"Message-ID: <1@x.test>\r\nDate: Wed, 04 Mar 2026 05:06:07 +0000\r\n" + RAW
    assert completed(added, header_id="2@x.test", date=DATE) == added
    assert mime.parse(completed(b"Date: x\nFrom: a\n\n", header_id="1@x.test", date=DATE)).header_id == "1@x.test"


def test_blank_lines_and_an_mbox_separator_in_front_are_forgiven() -> None:
    raw = b"\r\n\nFrom alice Mon Jan  1\n" + RAW
    assert raw_recipients(raw) == raw_recipients(RAW)
    assert completed(raw, header_id="1@x.test", date=DATE) == completed(RAW, header_id="1@x.test", date=DATE)
    assert b"secret" not in without_bcc(raw)


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "no message"),
        (b"\r\n\r\nhello", "no message"),
        (b"hello there", "no message"),
        (b'{"to": "bob"}', "has no From fields"),
        (b"\xff\xd8\xff\xe0" * 1_000, "no message"),
        (b"To: b@x.test\n\nhi", "has no From fields"),
        (b"From: a@x.test\nFrom: b@x.test\nTo: b@x.test\n\nhi", "has 2 From fields"),
        (b"From: \nTo: b@x.test\n\nhi", "no address in the From field"),
        (b"From: nobody\nTo: b@x.test\n\nhi", "'nobody' is no address"),
        (b"From: a@x.test\nSubject: x\n\nTo: b@x.test", "no address in To, Cc or Bcc"),
        (b"From: a@x.test\nTo: undisclosed-recipients:;\n\nhi", "no address in To, Cc or Bcc"),
        (b"From: a@x.test\nTo: b@x.test, bad, worse@\n\nhi", "'bad': It is not of the form"),
        (b"From: a@x.test\nno field here\nTo: b@x.test\n\nhi", "holds what is no field: 'no field here'"),
        (b"From: a@x.test\nTo: b@x.test\rBcc: c@x.test\n\nhi", "carriage return"),
        (b"From: a@x.test\rTo: b@x.test\r\rhi", "carriage return"),
        (b"From: a@x.test\nTo: b@x.test\r\r\nBcc: c@x.test\n\nhi", "carriage return"),
        (b"From: a@x.test\nTo: b\0@x.test\n\nhi", "NUL"),
        (b"From: a@x.test\nTo: " + b"b@x.test, " * 1_001 + b"\n\nhi", "can have 1,000 addresses"),
        (b"From: a@x.test\nTo: " + b"b@x.test, " * 200_000 + b"\n\nhi", "longer than 1,000,000 octets"),
        (b"From: a@x.test\nTo: " + b"b@x.test, " * 90_000 + b"\n\nhi", "more addresses"),
        (b"X" * 50_000_000, "longer than 1,000,000 octets"),
        (b"\n" * 5_000 + b"From: a@x.test\nTo: b@x.test\n\n", "no message"),
    ],
)  # fmt: skip
def test_what_is_no_message_is_refused_in_words(raw: bytes, words: str) -> None:
    began = time.process_time()
    with pytest.raises(LetterRefused) as failed:
        raw_recipients(raw)
    assert words in str(failed.value)
    assert "\n" not in str(failed.value)
    assert len(str(failed.value)) < 10_000
    assert time.process_time() - began < 2


@given(
    st.lists(
        st.sampled_from(
            [b"From: a@x.test", b"To: b@x.test", b"Bcc: S", b"bcc :S", b" S", b"\tS", b"\n", b"\r\n", b"\r", b"X: y",
             b"junk", b":", b"Resent-Bcc: S", b"From ", b"\0", b"Bcc"]
        ),
        max_size=12,
    ).map(b"".join)
)  # fmt: skip
@settings(deadline=None, max_examples=1_000)
def test_no_reader_finds_a_bcc_in_what_is_left(raw: bytes) -> None:
    try:
        left = completed(without_bcc(b"From: a@x.test\n" + raw), header_id="1@x.test", date=DATE)
    except LetterRefused:
        return
    sent = left.replace(b"\r\n", b"\n").replace(b"\r", b"\n")  # as it goes over the wire
    assert not [name for name, _ in mime.headers(sent) if name.strip().lower() in {"bcc", "resent-bcc"}]
    assert not mime.parse(left).bcc
