"""BODYSTRUCTURE as servers write it, in; attachments as the MIME reader would list them, out."""

import base64
import io
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mail import mime
from mail.imap import bodystructure, fetching
from mail.imap.reader import ResponseReader
from mail.mime import parts as mime_parts
from mail.mime.transfer import estimate
from mail.types import Attachment, Fetched, Part
from tests.memory import peak
from tests.unit.test_mime_bounds import texts

TEXT = b'("text" "plain" ("charset" "utf-8") NIL NIL "7bit" 12 1 NIL NIL NIL NIL)'
PDF = b'("application" "pdf" ("name" "a.pdf") NIL NIL "base64" 780 NIL ("attachment" ("filename" "a.pdf")) NIL NIL)'
ENVELOPE = b'("Mon, 1 Jan 2024 00:00:00 +0000" %s ((NIL NIL "a" "b")) NIL NIL NIL NIL NIL NIL "<x@y>")'
INNER = b'(("text" "html" NIL NIL NIL "7bit" 1 1) ("image" "png" ("name" "in.png") NIL NIL "base64" 4) "mixed")'
A_PDF = Attachment(part=1, filename="a.pdf", content_type="application/pdf", size=570, disposition="attachment")


def fetched(structure: bytes, header: bytes = b"") -> Fetched:
    """The message as a server sends it: header last."""
    answer = b"* 1 FETCH (UID 7 RFC822.SIZE 9 BODYSTRUCTURE %s BODY[HEADER] {%d}\r\n%s)\r\n"
    response = ResponseReader(io.BytesIO(answer % (structure, len(header), header))).next()
    uid, items = fetching.items_of(response)
    message = fetching.fetched(uid, items, complete=False)
    assert message is not None
    assert (message.uid, message.raw) == (7, header)
    return message


def listed(structure: bytes) -> tuple[Attachment, ...]:
    parts = fetched(structure).parts
    assert parts is not None
    attachments, problem = mime_parts.read(parts)
    assert not problem
    return attachments


def names(structure: bytes) -> list[tuple[int, str, str]]:
    return [(each.part, each.content_type, each.filename) for each in listed(structure)]


DOVECOT = (
    b'(((' b'"text" "plain" ("charset" "utf-8") NIL NIL "quoted-printable" 20 2 NIL NIL NIL NIL)'
    b'(("text" "html" ("charset" "utf-8") NIL NIL "quoted-printable" 90 3 NIL NIL NIL NIL)'
    b'("image" "png" ("name" "logo.png") "<logo@x>" NIL "base64" 4000 NIL ("inline" ("filename" "logo.png")) NIL NIL) '
    b'"related" ("boundary" "r") NIL NIL NIL) "alternative" ("boundary" "a") NIL NIL NIL)'
    b'("message" "rfc822" NIL NIL NIL "7bit" 3000 ' + ENVELOPE % b'"=?utf-8?q?Gr=C3=B6=C3=9Fe?="' + b" " + INNER +
    b' 60 NIL ("attachment" NIL) NIL NIL)'
    b'("application" "pdf" ("name" "x.pdf") NIL NIL "base64" 7800 NIL '
    b'("attachment" ("filename*" "utf-8\'\'%e2%82%ac%20rates.pdf")) NIL NIL) "mixed" ("boundary" "m") NIL NIL NIL)'
)  # fmt: skip
GMAIL = (
    b'((("TEXT" "PLAIN" ("CHARSET" "UTF-8") NIL NIL "7BIT" 20 2 NIL NIL NIL)'
    b'("TEXT" "HTML" ("CHARSET" "UTF-8") NIL NIL "BASE64" 90 3 NIL NIL NIL) "ALTERNATIVE" ("BOUNDARY" "a") NIL NIL)'
    b'("IMAGE" "JPEG" ("NAME" "photo.jpg") "<f_l5>" NIL "BASE64" 1000 NIL ("ATTACHMENT" ("FILENAME" "photo.jpg")) NIL)'
    b'("APPLICATION" "PDF" ("NAME" "=?UTF-8?B?R3LDvMOfZS5wZGY=?=") NIL NIL "BASE64" 780 NIL '
    b'("ATTACHMENT" ("FILENAME" "=?UTF-8?B?R3LDvMOfZS5wZGY=?=")) NIL) "MIXED" ("BOUNDARY" "m") NIL NIL)'
)
EXCHANGE = (
    b'(("text" "plain" ("charset" "iso-8859-1") NIL NIL "quoted-printable" 20 2 NIL NIL NIL NIL)'
    b'("application" "octet-stream" NIL NIL "a description" NIL 780 NIL ("attachment" ("filename" "notes.dat" '
    b'"size" "570" "creation-date" "Mon, 01 Jan 2024 00:00:00 GMT")) NIL NIL)'
    b'("message" "rfc822" NIL NIL NIL NIL 500 NIL NIL 0 NIL NIL NIL NIL)'
    b'("message" "rfc822" ("name" "kept.eml") NIL NIL "7bit" 500 NIL ("attachment" NIL) NIL NIL) "mixed" NIL NIL "de-DE")'
)


def test_dovecots_structure_is_read() -> None:
    assert listed(DOVECOT) == (
        Attachment(
            part=2, filename="logo.png", content_type="image/png", size=2922, content_id="logo@x",
            disposition="inline", is_inline=True,
        ),
        Attachment(part=3, filename="Größe.eml", content_type="message/rfc822", size=3000, disposition="attachment"),
        Attachment(part=4, filename="€ rates.pdf", content_type="application/pdf", size=5700, disposition="attachment"),
    )  # fmt: skip


def test_gmails_structure_is_read() -> None:
    assert names(GMAIL) == [(2, "image/jpeg", "photo.jpg"), (3, "application/pdf", "Grüße.pdf")]
    assert [(each.disposition, each.content_id) for each in listed(GMAIL)] == [
        ("attachment", "f_l5"),
        ("attachment", ""),
    ]


def test_exchanges_structure_is_read() -> None:
    assert names(EXCHANGE) == [
        (1, "application/octet-stream", "notes.dat"),
        (2, "message/rfc822", "message.eml"),
        (3, "message/rfc822", "kept.eml"),
    ]
    assert [each.disposition for each in listed(EXCHANGE)] == ["attachment", "", "attachment"]
    assert [each.size for each in listed(EXCHANGE)] == [780, 500, 500]


@pytest.mark.parametrize(
    "extensions",
    [
        b' NIL ("attachment" ("filename" "a.pdf")) NIL NIL',
        b' NIL ("attachment" ("filename" "a.pdf"))',
        b' "md5" ("attachment" ("filename" "a.pdf")) "en" "https://x/a.pdf"',
        b' "md5" ("attachment" ("filename" "a.pdf")) ("en" "de") ("x" "y") 7 ("more" ("than" "this")) NIL NIL NIL NIL',
        b' ("ATTACHMENT" ("FILENAME" "a.pdf"))',
        b' 12 NIL ("attachment" ("filename" "a.pdf")) ("en") NIL',
        b' NIL ("attachment") ("en" "de") NIL',
        b' NIL "attachment" NIL NIL',
        b" NIL attachment",
    ],
)
def test_a_disposition_is_found_whatever_else_is_told_or_not(extensions: bytes) -> None:
    pdf = b'("application" "pdf" ("name" "a.pdf") NIL NIL "base64" 780' + extensions + b")"
    assert listed(b'(%s%s "mixed")' % (TEXT, pdf)) == (A_PDF,)


def test_a_disposition_is_not_taken_for_an_envelope() -> None:
    report = b'("message" "rfc822" NIL NIL NIL "7bit" 9 ("attachment" ("filename" "a.eml")))'
    assert names(b'(%s%s "mixed")' % (TEXT, report)) == [(1, "message/rfc822", "a.eml")]


@pytest.mark.parametrize("languages", [b'"en"', b'("en")', b'("en" "de")', b'("en" "de" "fr") ("x" "y")', b"NIL NIL 5"])
def test_languages_and_locations_are_no_disposition(languages: bytes) -> None:
    pdf = b'("application" "pdf" ("name" "a.pdf") NIL NIL "base64" 780 NIL NIL ' + languages + b")"
    assert listed(b'(%s%s "mixed" ("boundary" "b") NIL %s)' % (TEXT, pdf, languages)) == (
        A_PDF._replace(disposition=""),
    )


@pytest.mark.parametrize(
    ("parameters", "name"),
    [
        (b'"filename" "report.pdf"', "report.pdf"),
        (b'"FILENAME" "report.pdf"', "report.pdf"),
        (b'"filename" "quo\\"ted\\".txt"', 'quo"ted".txt'),
        (b'"filename" "semi;colon.txt"', "semi;colon.txt"),
        (b'"filename" "../../etc/passwd"', "passwd"),
        (b'"filename" "C:\\\\Documents\\\\old.doc"', "old.doc"),
        (b'"filename" {8}\r\nfour.txt', "four.txt"),
        (b'"filename" "Gr\xc3\xb6\xc3\x9fe.txt"', "Größe.txt"),
        (b'"filename" "Gr\xf6\xdfe.txt"', "Größe.txt"),
        (b"\"filename*\" \"iso-8859-1'de'Gr%FC%DFe.txt\"", "Grüße.txt"),
        (b'"filename*1*" "%C3%9Fe" "filename*0*" "utf-8\'\'Gr%C3%BC" "filename*2" ".txt"', "Grüße.txt"),
        (b'"filename" "plain.txt" "filename*" "utf-8\'\'better.txt"', "better.txt"),
        (b'"filename" "=?utf-8?q?Gr=C3=BC=C3=9Fe.txt?="', "Grüße.txt"),
        (b'"filename" "=?utf-8?q?Gr=C3=BC?= =?utf-8?q?=C3=9Fe.txt?="', "Grüße.txt"),
        (b'"filename" NIL "x" "y"', "by-type.txt"),
        (b'"bad name=" "x" "filename" "a.txt"', "a.txt"),
        (b'"filename"', "by-type.txt"),
        (b'NIL "a.txt"', "by-type.txt"),
    ],
)  # fmt: skip
def test_file_names_are_decoded_as_those_in_messages(parameters: bytes, name: str) -> None:
    structure = (
        b'("image" "png" ("name" "by-type.txt") NIL NIL "base64" 8 NIL ("attachment" (%s)) NIL NIL)' % parameters
    )
    assert [each.filename for each in listed(structure)] == [name]


@pytest.mark.parametrize(
    ("structure", "expected"),
    [
        (TEXT, []),
        (b'("TEXT" "PLAIN" ("NAME" "notes.txt") NIL NIL "7BIT" 5 1)', []),
        (b'("TEXT" "CALENDAR" NIL NIL NIL "7BIT" 5 1)', [(0, "text/calendar", "")]),
        (PDF, [(0, "application/pdf", "a.pdf")]),
        (b"(%s%s)" % (TEXT, PDF), [(1, "application/pdf", "a.pdf")]),
        (b"(%s%s NIL)" % (TEXT, PDF), [(1, "application/pdf", "a.pdf")]),
        (b'(%s("TEXT" "PLAIN" ("NAME" "n.txt") NIL NIL "7BIT" 5 1) "mixed")' % TEXT, [(1, "text/plain", "n.txt")]),
        (b'(%s("TEXT" "HTML" ("NAME" "n.htm") NIL NIL "7BIT" 5 1) "alternative")' % TEXT, []),
        (b'(("mixed" ("boundary" "b") NIL NIL NIL)%s "mixed")' % PDF, [(0, "application/pdf", "a.pdf")]),
        (b'(()%s "mixed")' % PDF, [(0, "application/pdf", "a.pdf")]),
        (b'("mixed" ("boundary" "b") NIL NIL NIL)', []),
        (b'(%s(NIL NIL ("name" "x") NIL NIL NIL NIL) "mixed")' % TEXT, [(1, "text/plain", "x")]),
        (b'(%s("text") ("image" "gif") "mixed")' % TEXT, [(2, "image/gif", "")]),
        (b'(%s("image" "gif" NIL NIL NIL "base64" -5) "mixed")' % TEXT, [(1, "image/gif", "")]),
        (b'(%s(NIL "gif" NIL) "mixed")' % TEXT, []),
        (b"(NIL)", []),
    ],
)
def test_leaves_are_counted_and_chosen_as_those_of_a_message(
    structure: bytes, expected: list[tuple[int, str, str]]
) -> None:
    assert names(structure) == expected


@pytest.mark.parametrize("structure", [b"NIL", b"()", b"nonsense", b'"text"', b"7", b"{4}\r\n(())"])
def test_what_is_no_structure_costs_nothing_else(structure: bytes) -> None:
    assert fetched(structure, b"Subject: x\r\n\r\n").parts is None


def test_a_structure_that_is_not_told_is_none() -> None:
    response = ResponseReader(io.BytesIO(b"* 1 FETCH (UID 7 BODY[HEADER] {2}\r\n\r\n)\r\n")).next()
    message = fetching.fetched(*fetching.items_of(response), complete=False)
    assert message is not None
    assert message.parts is None


def test_more_parts_than_a_message_may_have_are_not_listed() -> None:
    parts = fetched(b'(%s%s "mixed")' % (TEXT, PDF * 100_000)).parts
    assert parts is not None
    attachments, problem = mime.listed(parts)
    assert (len(attachments), problem) == (999, "only the first 1,000 parts are listed")
    exactly = fetched(b'(%s%s "mixed")' % (TEXT, PDF * 999)).parts
    assert exactly is not None
    assert mime.listed(exactly) == (attachments, "")


@pytest.mark.parametrize("depth", [99, 100, 101, 150, 10_000])
def test_a_deep_structure_is_looked_into_as_deep_as_a_message(depth: int) -> None:
    structure = b"(" * depth + PDF + b' "mixed" ("boundary" "b") ("inline" ("filename" "deep.bin")) NIL NIL)' * depth
    expected = (0, "application/pdf", "a.pdf") if depth <= 100 else (0, "multipart/mixed", "deep.bin")
    assert names(structure) == [expected]


def test_a_huge_structure_costs_little_time_and_memory() -> None:
    many = b'(%s "mixed")' % (b'("a" "b" ("name" "%s") NIL NIL NIL 1)' % (b"x" * 10_000) * 2_000)
    started = time.process_time()
    with peak() as memory:
        parts = fetched(many).parts
        assert parts is not None
        assert len(mime.listed(parts)[0]) == 1_000
    assert time.process_time() - started < 5
    assert memory.more < 100_000_000


@pytest.mark.parametrize(
    ("length", "line", "end"), [(n, width, end) for n in (0, 1, 2, 3, 56, 57, 58, 1_000, 100_000)
                                for width in (60, 64, 72, 76) for end in (b"", b"\r\n")],
)  # fmt: skip
def test_the_size_of_base64_is_estimated_well(length: int, line: int, end: bytes) -> None:
    encoded = base64.b64encode(bytes(length))
    lines = b"\r\n".join(encoded[at : at + line] for at in range(0, len(encoded), line)) + end
    assert abs(estimate(len(lines), "base64") - length) <= 2 + length // 100


TOKENS = st.recursive(
    st.none() | st.sampled_from([b"text", b"plain", b"message", b"rfc822", b"attachment", b"name", b"base64", b"5"])
    | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=9),
    max_leaves=60,
)  # fmt: skip


@given(TOKENS)
@settings(deadline=None, max_examples=200)
def test_whatever_a_server_says_is_read_and_can_be_stored(tokens: object) -> None:
    parts = bodystructure.parts(tokens)  # type: ignore[arg-type]  # lists of such, which mypy does not see
    assert (parts is None) == (not isinstance(tokens, list) or not tokens)
    for attachment in mime_parts.read(parts or ())[0]:
        for text in texts(
            (attachment.filename, attachment.content_type, attachment.content_id, attachment.disposition)
        ):
            text.encode()
            assert "\0" not in text
        assert 0 <= attachment.size < 10**15


def test_a_message_is_read_though_its_parts_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mime_parts, "read", None)
    assert mime.listed([Part(b"")]) == ((), "the list of its parts could not be read (TypeError)")
