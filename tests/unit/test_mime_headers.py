import pytest

from mail.mime import headers, parse


def subject(value: bytes, more: bytes = b"") -> str:
    return parse(b"Subject: " + value + b"\r\n" + more + b"\r\nhi").subject


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"plain", "plain"),
        (b"folded\r\n over\r\n\tthree lines", "folded over three lines"),
        (b"=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?UTF-8?B?R3LDvMOfZQ==?=", "Grüße"),
        (b"=?UTF-8?B?R3LDvMOfZQ?=", "Grüße"),
        (b"=?iso-8859-1?q?a?=\r\n =?iso-8859-1?q?b?= c", "ab c"),
        (b"=?utf-8?b?5pel5pw=?= =?utf-8?b?rOiqng==?=", "日本語"),
        (b"=?utf-8?q?=E6=97=A5=E6?= =?utf-8?q?=9C=AC?=", "日本"),
        (b"=?utf-8*de?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"=?utf-8?q?What's up??=", "What's up?"),
        (b"=?utf-8?q?spaces in words?=", "spaces in words"),
        (b"Re:=?utf-8?q?_x?=", "Re: x"),
        (b"=?x-nonsense?q?abc?=", "abc"),
        (b"=?utf-8?q?open", "=?utf-8?q?open"),
        ("Grüße".encode(), "Grüße"),
        ("Grüße".encode("latin-1"), "Grüße"),
        (b"=?iso-2022-jp?B?GyRCLSEbKEIgGyRCNF0/dDt6JUYlOSVIGyhC?=", "① 丸数字テスト"),
        (b"nul\0byte", "nulbyte"),
    ],
)
def test_subjects_are_decoded(value: bytes, expected: str) -> None:
    assert subject(value) == expected


def test_raw_bytes_of_a_subject_are_read_in_the_charset_of_the_body() -> None:
    more = b"Content-Type: text/plain; charset=koi8-r\r\n"

    assert subject("Привет".encode("koi8-r"), more) == "Привет"


def test_the_first_subject_wins_unless_it_is_empty() -> None:
    assert parse(b"Subject: one\nSubject: two\n\n").subject == "one"
    assert parse(b"Subject: \nSubject: two\n\n").subject == "two"


def test_headers_are_listed_in_order_unfolded_and_decoded() -> None:
    raw = b"Received: a\r\n b\r\nX-One: =?utf-8?q?=C3=A4?=\r\nReceived: c\r\n\r\nbody: no header\r\n"

    assert headers(raw) == [("Received", "a b"), ("X-One", "ä"), ("Received", "c")]


@pytest.mark.parametrize(
    "before", [b"From me@x.org Mon Jan  1 00:00:00 2024\n", b">From me\n", b"\r\n\r\n", b"\nFrom me\n"]
)
def test_an_mbox_line_or_blank_lines_before_the_header_are_tolerated(before: bytes) -> None:
    parsed = parse(before + b"Subject: x\nTo: a@x.org\n\nbody")

    assert (parsed.subject, parsed.text) == ("x", "body")


def test_a_line_that_is_no_field_does_not_end_the_header() -> None:
    parsed = parse(b"Subject: x\nthis is junk\nTo: a@x.org\n\nbody")

    assert (parsed.subject, parsed.to[0].email, parsed.text) == ("x", "a@x.org", "body")


def test_a_body_without_its_blank_line_is_still_the_body() -> None:
    parsed = parse(b"Subject: x\nthis is the text\nand more of it\n\nand the end")

    assert parsed.text == "this is the text\nand more of it\n\nand the end"


@pytest.mark.parametrize(
    "raw", [b"", b"\n", b"\r\n\r\n", b"just text", b"just text\n\nmore", b" leading blank", b":", b"\0"]
)
def test_bytes_that_are_hardly_a_message_are_read_all_the_same(raw: bytes) -> None:
    assert parse(raw).problem == ""


def test_text_without_any_header_is_a_body() -> None:
    assert parse(b"just text\n\nmore").text == "just text\n\nmore"


def test_lines_that_end_in_carriage_returns_alone_are_lines() -> None:
    parsed = parse(b"Subject: x\rTo: a@x.org\r\rbody\rmore")

    assert (parsed.subject, parsed.to[0].email, parsed.text) == ("x", "a@x.org", "body\nmore")


def test_a_subject_without_end_is_cut_between_words() -> None:
    assert set(subject(b"=?utf-8?q?=C3=A4?=\r\n " * 10_000)) == {"ä"}


def test_a_field_of_blanks_without_end_is_empty() -> None:
    assert headers(b"Subject: x\nX-Blank:" + b" " * 100_000 + b"x\n\n") == [("Subject", "x"), ("X-Blank", "")]
