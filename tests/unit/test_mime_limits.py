"""Mail that is too much is read up to a limit, listed all the same, and says what is left out."""

import time
import tracemalloc
from collections.abc import Callable

import pytest

from mail.mime import attachment_bytes, headline, parse
from mail.mime.reading import read

MIXED = b"Content-Type: multipart/mixed; boundary=b\n\n"
ENDLESS = b"From: Jane <jane@example.org>\nSubject: endless\nContent-Type: "
JAPANESE = b"\x1b$B-!\x1b(B\r\n"  # a circled digit, which ISO-2022-JP has not

CUT: dict[str, tuple[bytes, str]] = {
    "header": (b"Subject: endless\n" + b"X: y\n" * 400_000 + b"\nbody", "only the first 1,000,000 bytes of the header are read"),
    "header line": (b"Subject: endless" + b" x" * 2_000_000 + b"\n\nbody", "only the first 1,000,000 bytes of the header are read"),
    "text": (ENDLESS + b"text/plain\n\n" + b"words\n" * 2_000_000, "only the first 10,000,000 bytes of the body are read"),
    "texts": (
        b"Subject: endless\n" + MIXED + (b"--b\n\n" + b"words\n" * 500_000 + b"\n") * 5 + b"--b--",
        "only the first 10,000,000 bytes of the body are read",
    ),
    "parts": (b"Subject: endless\n" + MIXED + b"--b\n\nx\n" * 100_000, "only the first 1,000 parts are listed"),
    "lookalikes": (
        b"Subject: endless\n" + MIXED + b"--b\n\n" + b"--c\n" * 1_000_010,
        "only the first 1,000,000 lines that look like delimiters are compared",
    ),
    "addresses": (b"Subject: endless\nTo: " + b"a@b.example, " * 10_000 + b"\n\n", "only the first addresses of To are listed"),
    "address fields": (b"Subject: endless\n" + b"To: a@b.example\n" * 10_000 + b"\n", "only the first addresses of To are listed"),
    "uuencode": (
        ENDLESS + b"application/zip\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 x\n" + b"!!!\n" * 3_000_000,
        "the encoding of part 0 is damaged",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CUT)
def test_what_is_left_out_is_told(name: str) -> None:
    raw, problem = CUT[name]

    for parsed in (parse(raw), headline(raw)):
        assert parsed.subject.startswith("endless")
        assert problem in parsed.problem.split("; ")


def test_the_first_bytes_of_an_endless_body_are_kept_and_its_attachments_whole() -> None:
    part = b"--b\nContent-Type: application/zip\n\n" + b"z" * 11_000_000 + b"\n--b--"
    raw = MIXED + b"--b\n\n" + b"words\n" * 2_000_000 + b"\n" + part

    parsed = parse(raw)

    assert len(parsed.text) == 10_000_000
    assert [attachment.size for attachment in parsed.attachments] == [11_000_000]
    assert len(attachment_bytes(raw, 1)) == 11_000_000


GROWING: dict[str, Callable[[int], bytes]] = {
    "nesting": lambda n: b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i) for i in range(n)),
    "header fields": lambda n: b"X: y\n" * n + b"\n",
    "address fields": lambda n: b"To: a@b\n" * n + b"\n",
    "blank lines": lambda n: b"\n" * n * 10 + b"To: a@b\n\nbody",
    "encoded words": lambda n: b"Subject:" + b" =?utf-8?q?=C3=A4?=" * n + b"\n\n",
    "words in unknown charsets": lambda n: b"Subject:" + b"".join(b" =?x%d?q?%s?=" % (i, b"=D0=D1" * 20) for i in range(n)) + b"\n\n",
    "texts in unknown charsets": lambda n: MIXED + (b"--b\n\n" + b"\xd0\xd1\xd2 " * 50 + b"\n") * n,
    "comments": lambda n: b"To: " + b"(" * n + b"a@b" + b")" * n + b"\n\n",
    "parameters": lambda n: b"Content-Type: text/plain" + b'; a="b"' * n + b"\n\n",
    "delimiters": lambda n: MIXED + b"--b\n\n" + b"--bc--\n" * n,
    "subjects of nested messages": lambda n: b"Content-Type: multipart/digest; boundary=b\n\n"
    + (b"--b\n\nSubject: " + b"=?utf-8?q?=C3=A4?= " * 50 + b"\n\nx\n") * n,
    "base64": lambda n: b"Content-Type: a/b\nContent-Transfer-Encoding: base64\n\n" + b"QUJD" * n * 20,
    "padded base64": lambda n: b"Content-Type: a/b\nContent-Transfer-Encoding: base64\n\n" + b"QUI=" * n * 20,
    "japanese": lambda n: b"Content-Type: text/plain; charset=iso-2022-jp\n\n" + JAPANESE * n,
}  # fmt: skip


@pytest.mark.parametrize("name", GROWING)
def test_twice_as_much_costs_at_most_twice_as_much(name: str) -> None:
    """At most thrice, for clocks are coarse; what costs nothing may cost what it likes."""
    once, twice = cost(GROWING[name](10_000)), cost(GROWING[name](20_000))

    assert twice < max(3 * once, 0.05)


def cost(raw: bytes) -> float:
    """The best of three: seconds of CPU."""
    took = []
    for _ in range(3):
        started = time.process_time()
        read(raw)
        took.append(time.process_time() - started)
    return min(took)


@pytest.mark.parametrize(
    "raw",
    [
        ENDLESS + b"application/zip\nContent-Transfer-Encoding: base64\n\n" + b"QUJD" * 8_000_000,
        ENDLESS + b"text/plain\nContent-Transfer-Encoding: base64\n\n" + b"QUJD" * 8_000_000,
        ENDLESS + b"text/html; charset=utf-8\n\n" + "<p>Zażółć\r\n".encode() * 2_000_000,
        b"\n" * 3_000_000 + b"To: a@b\n\nbody",
    ],
    ids=["attachment", "base64", "html", "blank lines"],
)
def test_large_mail_needs_bounded_memory(raw: bytes) -> None:
    tracemalloc.start()
    read(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 120_000_000
