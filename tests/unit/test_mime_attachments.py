from pathlib import Path

import pytest

from mail.mime import attachment_bytes, parse
from mail.types import Attachment

DATA = Path(__file__).parents[1] / "data"


def part(header: str, body: str = "x") -> bytes:
    text = "--b\r\nContent-Type: text/plain\r\n\r\nbody\r\n"
    return f"Content-Type: multipart/mixed; boundary=b\r\n\r\n{text}--b\r\n{header}\r\n\r\n{body}\r\n--b--\r\n".encode()


def only(raw: bytes) -> Attachment:
    (attachment,) = parse(raw).attachments
    return attachment


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('Content-Disposition: attachment; filename="report.pdf"', "report.pdf"),
        ("Content-Type: application/pdf; name=report.pdf", "report.pdf"),
        ('Content-Type: application/pdf; name="a.pdf"\r\nContent-Disposition: attachment; filename="b.pdf"', "b.pdf"),
        ("Content-Disposition: attachment; filename*=utf-8''%e2%82%ac%20rates.pdf", "€ rates.pdf"),
        ("Content-Disposition: attachment; filename*=iso-8859-1'de'Gr%FC%DFe.txt", "Grüße.txt"),
        (
            "Content-Disposition: attachment;\r\n filename*0*=utf-8''Gr%C3%BC;\r\n filename*1*=%C3%9Fe;\r\n filename*2=\".txt\"",
            "Grüße.txt",
        ),
        ("Content-Disposition: attachment; filename*1=b.txt; filename*0=a", "ab.txt"),
        ("Content-Disposition: attachment; filename=plain.txt; filename*=utf-8''better.txt", "better.txt"),
        ('Content-Disposition: attachment; filename="=?utf-8?q?Gr=C3=BC=C3=9Fe.txt?="', "Grüße.txt"),
        ("Content-Disposition: attachment; filename==?utf-8?b?R3LDvMOfZS50eHQ=?=", "Grüße.txt"),
        ("Content-Disposition: attachment; filename=two words.txt; size=3", "two words.txt"),
        ('Content-Disposition: attachment; filename="semi;colon.txt"', "semi;colon.txt"),
        (r'Content-Disposition: attachment; filename="quo\"ted.txt"', 'quo"ted.txt'),
        (r'Content-Disposition: attachment; filename="C:\Documents\old.doc"', "old.doc"),
        ('Content-Disposition: attachment; filename="../../etc/passwd"', "passwd"),
        ('Content-Disposition: attachment; filename="Grüße.txt"', "Grüße.txt"),
        ('Content-Disposition: attachment; filename="open.txt', "open.txt"),
        ("Content-Disposition: attachment", ""),
        ("Content-Type: message/rfc822\r\nContent-Disposition: attachment; filename=mail.eml", "mail.eml"),
    ],
)
def test_file_names_are_read_from_either_header(header: str, expected: str) -> None:
    assert only(part(header)).filename == expected


def test_a_raw_latin1_file_name_is_read() -> None:
    assert (
        only(part('Content-Disposition: attachment; filename="Größe.txt"').decode().encode("latin-1")).filename
        == "Größe.txt"
    )


def test_a_long_file_name_keeps_its_extension() -> None:
    name = only(part(f"Content-Disposition: attachment; filename={'x' * 500}.tar.gz")).filename

    assert (len(name), name[-3:]) == (255, ".gz")


def test_an_attachment_says_what_it_is() -> None:
    raw = part("Content-Type: Application/PDF; name=a.pdf\r\nContent-Disposition: ATTACHMENT\r\nContent-Transfer-Encoding: base64\r\n"
               "Content-ID: <id@x>", "SGVsbG8=")  # fmt: skip

    assert only(raw) == Attachment(
        part=1, filename="a.pdf", content_type="application/pdf", size=5, content_id="id@x", disposition="attachment"
    )
    assert attachment_bytes(raw, 1) == b"Hello"
    assert attachment_bytes(raw, 0) == b"body"


@pytest.mark.parametrize("number", [-1, 2, 1_000_000])
def test_a_part_that_is_not_there_is_an_error(number: int) -> None:
    with pytest.raises(IndexError):
        attachment_bytes(part("Content-Type: image/png"), number)


def test_every_attachment_has_the_bytes_that_its_size_says() -> None:
    raw = (DATA / "forwarded.eml").read_bytes()

    for attachment in parse(raw).attachments:
        assert len(attachment_bytes(raw, attachment.part)) == attachment.size


def test_a_nested_message_is_one_attachment_named_by_its_subject() -> None:
    parsed = parse((DATA / "forwarded.eml").read_bytes())

    assert parsed.text == "See below.\n"
    assert [(attachment.content_type, attachment.filename, attachment.part) for attachment in parsed.attachments] == [
        ("message/rfc822", "Größe & Preis_ 5 € (neu).eml".replace("_", ""), 1),
        ("text/calendar", "invite.ics", 2),
        ("application/ms-tnef", "winmail.dat", 3),
    ]
    assert attachment_bytes((DATA / "forwarded.eml").read_bytes(), 1).startswith(b"Subject: =?utf-8?")


def test_a_digest_holds_messages() -> None:
    raw = b"Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: one\n\nx\n--b\n\nSubject: two\n\ny\n--b--\n"

    assert [attachment.filename for attachment in parse(raw).attachments] == ["one.eml", "two.eml"]


def test_a_report_lists_its_machine_readable_parts() -> None:
    raw = (
        b"Content-Type: multipart/report; boundary=b\n\n--b\n\nIt bounced.\n--b\nContent-Type: message/delivery-status\n\n"
        b"Action: failed\n--b\nContent-Type: text/rfc822-headers\n\nSubject: x\n--b--\n"
    )

    parsed = parse(raw)

    assert parsed.text == "It bounced."
    assert [attachment.content_type for attachment in parsed.attachments] == [
        "message/delivery-status",
        "text/rfc822-headers",
    ]


def test_a_named_text_part_is_an_attachment_unless_it_is_all_there_is() -> None:
    assert only(part("Content-Type: text/plain; name=notes.txt")).filename == "notes.txt"
    assert parse(b"Content-Type: text/plain; name=notes.txt\n\nbody").text == "body"
    assert parse(b"Content-Type: text/calendar\n\nBEGIN:VCALENDAR").attachments[0].content_type == "text/calendar"


@pytest.mark.parametrize(
    ("header", "html", "inline"),
    [
        ("Content-Type: image/png\r\nContent-ID: <logo>\r\nContent-Disposition: inline", "", True),
        (
            "Content-Type: image/png\r\nContent-ID: <logo>\r\nContent-Disposition: attachment",
            '<img src="cid:logo">',
            True,
        ),
        ("Content-Type: image/png\r\nContent-ID: <logo>\r\nContent-Disposition: attachment", "", False),
        ("Content-Type: image/png\r\nContent-Disposition: inline; filename=photo.png", "", False),
        ("Content-Type: application/pdf\r\nContent-ID: <doc>", "", False),
    ],
)
def test_inline_is_what_the_body_shows(header: str, html: str, *, inline: bool) -> None:
    raw = part(header).replace(b"text/plain", b"text/html").replace(b"body", html.encode() or b"body")

    assert only(raw).is_inline is inline


def test_uuencoded_parts_are_decoded() -> None:
    raw = part(
        "Content-Type: application/zip\r\nContent-Transfer-Encoding: x-uuencode",
        "begin 644 x.zip\r\n%2&5L;&\\\r\n`\r\nend",
    )

    assert attachment_bytes(raw, 1) == b"Hello"
