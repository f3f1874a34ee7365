"""Whatever the bytes, parsing ends soon, never raises, and what it gives can be stored."""

import time
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mail.mime import attachment_bytes, headers, parse, visible_text
from mail.mime.reading import read
from mail.types import Parsed

SAMPLES = [path.read_bytes() for path in sorted((Path(__file__).parents[1] / "data").glob("*.eml"))]
PIECES = [
    b"Content-Type: ", b"multipart/mixed", b"; boundary=", b"a", b'"', b"\n--a", b"--a--\n", b"\r\n", b"\n\n", b"message/rfc822", b"text/html",
    b"Content-Transfer-Encoding: base64\n", b"Content-Disposition: attachment; filename*0*=utf-8''%ff", b"; charset=utf-7", b"=?utf-8?q?", b"?=",
    b"=?iso-2022-jp?b?GyRC", b"From: ", b"To: ", b"Date: Fri, 31 Dec 9999 23:59:59 -0100\n", b"Message-ID: <", b">", b"<", b"(", b")", b",", b";",
    b"\\", b"\0", b"\xff", b"\xed\xa0\x80", b"+2AA-", b"begin 644 x\n", b"Content-Transfer-Encoding: x-uuencode\n", b" ", b"References: ",
]  # fmt: skip


def texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [text for item in value for text in texts(item)] if isinstance(value, tuple) else []


def assert_storable(parsed: Parsed) -> None:
    for text in texts(parsed):
        text.encode()
        assert "\0" not in text
    assert parsed.date is None or parsed.date.tzinfo is not None
    assert len(parsed.snippet) <= 100
    assert len(parsed.header_id) <= 998


def assert_sound(raw: bytes) -> None:
    parsed = read(raw)
    assert_storable(parsed)
    for attachment in parsed.attachments[:3]:
        assert len(attachment_bytes(raw, attachment.part)) == attachment.size
    for name, value in headers(raw):
        assert "\0" not in name + value
        (name + value).encode()
    visible_text(parsed).encode()


@given(st.binary(max_size=400))
@settings(deadline=None, max_examples=200)
def test_random_bytes_are_read(raw: bytes) -> None:
    assert_sound(raw)


@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=40).map(b"".join))
@settings(deadline=None, max_examples=400)
@example(b"Content-Type: text/plain; charset=utf-7\n\n+2AA-")
@example(b"Content-Type: multipart/mixed; boundary=a\n--a")
def test_bytes_that_look_like_mail_are_read(raw: bytes) -> None:
    assert_sound(raw)


@given(
    st.sampled_from(SAMPLES),
    st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 60), st.binary(max_size=6)), max_size=8),
)
@settings(deadline=None, max_examples=200)
def test_damaged_mail_is_read(raw: bytes, wounds: list[tuple[int, int, bytes]]) -> None:
    for start, length, instead in wounds:
        at = start % len(raw)
        raw = raw[:at] + instead + raw[at + length :]
        if not raw:
            break
    assert_sound(raw)


def nested(depth: int) -> bytes:
    lines = [b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level) for level in range(depth)]
    return b"".join(lines) + b"\ndeep"


HOSTILE = {
    "encoded words": b"Subject:" + b" =?utf-8?q?=C3=A4?=\r\n" * 100_000 + b"\r\nx",
    "encoded words in a part": b"Content-Type: message/rfc822\n\nSubject:" + b" =?utf-8?b?w6Q=?=\r\n" * 100_000 + b"\r\nx",
    "open encoded words": b"Subject: " + b"=?a?q?" * 50_000 + b"\n\n",
    "open quotation marks": b"To: " + b'"\\"' * 100_000 + b"\n\n",
    "open comments": b"To: " + b"(a\\)" * 60_000 + b"\n\n",
    "open brackets": b"To: " + b"<" * 200_000 + b"\n\n",
    "addresses": b"To: " + b"a@b, " * 50_000 + b"\n\n",
    "groups": b"To: " + b"a:" * 100_000 + b"\n\n",
    "many header fields": b"X: y\n" * 300_000 + b"\n",
    "junk header lines": b"Subject: x\n" + b"junk\n" * 200_000 + b"To: a@b\n\n",
    "one long header line": b"To: " + b"a" * 3_000_000 + b"\n\n",
    "blank header": b"To: " + b" " * 3_000_000 + b"\n\n",
    "carriage returns": b"Subject: x\n" + b"\r" * 3_000_000,
    "references": b"References: " + b"<a@b> " * 100_000 + b"\n\n",
    "parameters": b"Content-Type: text/plain" + b"; a=b" * 100_000 + b"\n\nx",
    "parameter names": b"Content-Type: text/plain; " + b"a" * 100_000 + b"\n\nx",
    "continuations": b"Content-Disposition: attachment" + b"".join(b"; filename*%d=a" % n for n in range(50_000)) + b"\n\nx",
    "parts": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n" * 200_000,
    "false delimiters": b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--c\n" * 300_000,
    "nesting": nested(20_000),
    "nested in one boundary": b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" * 30_000,
    "open tags": b"Content-Type: text/html\n\n" + b"<" * 1_000_000,
    "open comments in html": b"Content-Type: text/html\n\n" + b"<!--" * 300_000,
    "deep html": b"Content-Type: text/html\n\n" + b"<div>" * 100_000 + b"x",
    "deep html whose end tags end nothing": b"Content-Type: text/html\n\n" + b"<div></b>" * 60_000 + b"x",
    "repeated elements": b"Content-Type: text/html\n\n" + b"".join(b"<font color=%d>" % n for n in range(255)) + b"<p>" * 300_000,
    "meta": b"Content-Type: text/html\n\n" + b"<meta" * 200_000 + b"\xff",
    "dates": b"Date: " + b"1 " * 100_000 + b"\n\n",
    "uuencode": b"Content-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n" + b"!" * 3_000_000,
    "high bytes": b"Content-Type: text/plain\n\n" + bytes(range(128, 256)) * 30_000,
    "one boundary everywhere": b"Content-Type: multipart/mixed\n\n" + b"".join(b"--%d\n" % n for n in range(100_000)),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_costs_no_more_than_its_size(name: str) -> None:
    started = time.process_time()

    parsed = read(HOSTILE[name])
    visible_text(parsed)

    assert time.process_time() - started < 2.5
    assert_storable(parsed)


def test_no_more_than_a_thousand_parts_are_listed_and_the_rest_is_told() -> None:
    parsed = parse(HOSTILE["parts"])

    assert parsed.problem == "only the first 1,000 parts are listed"
    assert (
        len(
            parse(
                b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\nContent-Type: a/b\n\nx\n" * 1_000
            ).attachments
        )
        == 1_000
    )


def test_too_deep_parts_are_listed_as_one() -> None:
    (attachment,) = parse(nested(150)).attachments

    assert attachment.content_type == "multipart/mixed"


def test_a_large_attachment_is_read_in_time_linear_in_its_size() -> None:
    raw = b"Content-Type: application/zip\nContent-Transfer-Encoding: base64\n\n" + (b"QUJD" * 19 + b"\n") * 300_000
    started = time.process_time()

    (attachment,) = parse(raw).attachments

    assert attachment.size == 3 * 19 * 300_000
    assert time.process_time() - started < 2.5
