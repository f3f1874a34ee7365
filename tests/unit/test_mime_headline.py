"""headline() is parse() without the body, and body() is what is missing."""

import tracemalloc

import pytest

from mail.mime import body, headline, parse

HEAD = b"From: Jane <jane@example.org>\r\nSubject: Hi\r\n"
WORDS = "Grüße aus Köln, schöne Tage und noch mehr Wörter. "


def mail(kind: str, text: bytes, encoding: str = "8bit") -> bytes:
    return HEAD + f"Content-Type: {kind}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + text


def alternative(text: bytes, html: bytes) -> bytes:
    parts = b"".join(
        b"--b\r\nContent-Type: text/" + kind + b"; charset=utf-8\r\n\r\n" + content + b"\r\n"
        for kind, content in ((b"plain", text), (b"html", html))
    )
    return HEAD + b"Content-Type: multipart/alternative; boundary=b\r\n\r\n" + parts + b"--b--\r\n"


PICTURE = (
    b"Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n<img src='cid:logo'>\n"
    b"--b\nContent-Type: image/png\nContent-ID: <logo>\nContent-Disposition: attachment\n\nx\n--b--\n"
)
MAILS = {
    "short": mail("text/plain", b"Hello"),
    "empty": mail("text/plain", b""),
    "long": mail("text/plain; charset=utf-8", WORDS.encode() * 500),
    "no blanks": mail("text/plain; charset=utf-8", "日本語".encode() * 500),
    "latin": mail("text/plain; charset=iso-8859-1", WORDS.encode("latin-1") * 500),
    "declared wrongly": mail("text/plain; charset=utf-8", WORDS.encode("latin-1") * 500),
    "undeclared": mail("text/plain", WORDS.encode("latin-1") * 500),
    "stateful": mail("text/plain; charset=iso-2022-jp", "日本語 ".encode("iso-2022-jp") * 500),
    "soft line breaks": mail("text/plain; charset=utf-8", b"=C3=\r\n=A4" * 500, "quoted-printable"),
    "base64": mail("text/plain; charset=utf-8", b"R3LDvMOfZSA\r\n" * 500, "base64"),
    "base64 in one line": mail("text/plain; charset=utf-8", b"R3LDvMOfZSBh" * 1_000, "base64"),
    "damaged base64": mail("text/plain", b"QUJD" * 500 + b"Q", "base64"),
    "uuencode": mail("text/plain", b"begin 644 x\n%2&5L;&\\\n`\nend\n", "x-uuencode"),
    "blank lines first": mail("text/plain", b"\r\n" * 5_000 + b"words"),
    "blank text": alternative(b" \r\n", b"<p>Hello"),
    "html after style": mail("text/html", b"<style>" + b"p { color: red }\n" * 1_000 + b"</style><p>" + b"words " * 50),
    "html cut amid a tag": mail(
        "text/html", b"\r\n" * 5 + (b"<table><td>" + b"words " * 1_000)[:5_989] + b"</td></table>" + b"<br>" * 50
    ),
    "html": alternative(b"", b"<p>words</p>" * 5_000),
    "picture": PICTURE,
    "several texts": PICTURE.replace(b"related", b"mixed")
    .replace(b"html", b"plain")
    .replace(b"image/png", b"text/plain"),
}


@pytest.mark.parametrize("name", MAILS)
def test_a_headline_and_a_body_are_the_whole(name: str) -> None:
    raw = MAILS[name]
    parsed = parse(raw)

    assert headline(raw) == parsed._replace(text="", html="")
    assert body(raw) == (parsed.text, parsed.html)


def test_a_picture_that_the_html_shows_is_inline_in_a_headline_too() -> None:
    assert [attachment.is_inline for attachment in headline(PICTURE).attachments] == [True]


def test_a_long_body_costs_a_headline_no_memory() -> None:
    raw = mail("text/plain; charset=utf-8", WORDS.encode() * 20_000)
    tracemalloc.start()

    snippet = headline(raw).snippet
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert snippet == (WORDS * 3)[:100].rstrip()
    assert peak < len(raw) / 4
