"""Letters to octets, read back with our reader and with the standard library's."""

import email
import email.policy
import hashlib
import re
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mail import mime
from mail.compose import compose
from mail.mime import charsets
from mail.spool import Spool
from mail.types import Address, File, Letter, LetterRefused
from tests.memory import peak
from tests.unit.letters import by_stdlib, leaves, letter, people_by_stdlib, shape, text_of

NAMES = [
    "Bob", "Bob van Dyk", "Doe, John", 'The "Boss"', "back\\slash \\", "a.b", "(c)", "Ärger", "日本 太郎", "שלום עולם",
    "محمد", "👩‍👩‍👧 Family 🎉", "=?utf-8?q?not_a_word?=", "Ann =?x", "semi; colon: <angle>", "a@b.test", "'quoted'",
    "x" * 200, "long name " * 20, "é" * 256, "🎉" * 200,
]  # fmt: skip
TEXTS = [
    "", " ", "Hi", "two\nlines", "lone\rCR", "a\r\n\r\n\r\nb", ".\n..\n.dots", "From here", "trailing \n blanks\t\n",
    "x" * 5_000, "é" * 5_000, "日本語" * 3_000, "🎉\n" * 100, "שלום\nעולם", "=3D =\n=", "--\nsignature", "tab\tbed",
    "--=_0000", "mixed é " * 700, "\x0b\x0c\x1f",
]  # fmt: skip
IMAGE = File("a.png", "image/png", b"\x89PNG", "img1", is_inline=True)
NOTE = File("note.txt", "text/plain", b"\xff\xfe latin \xe9")


def composed(**changes: object) -> bytes:
    octets = compose(letter(**changes), bcc=False)
    assert_sound(octets)
    return octets


def assert_sound(octets: bytes) -> None:
    assert octets.isascii()
    assert b"\0" not in octets
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n", octets)
    assert max(map(len, octets.split(b"\r\n"))) <= 998
    assert not email.message_from_bytes(octets, policy=email.policy.default).defects


def lines(text: str) -> list[str]:
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def test_a_plain_letter_is_as_one_would_write_it() -> None:
    assert composed(body="Hi Bob,\n\nbye", is_plaintext=True, cc=(Address("", "c@x.test"),)) == (
        b"From: Alice <alice@x.test>\r\n"
        b"To: Bob <bob@x.test>\r\n"
        b"Cc: c@x.test\r\n"
        b"Subject: Hello\r\n"
        b"Date: Wed, 04 Mar 2026 05:06:07 +0000\r\n"
        b"Message-ID: <1@x.test>\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n"
        b'Content-Type: text/plain; charset="us-ascii"\r\n'
        b"Mime-Version: 1.0\r\n"
        b"\r\n"
        b"Hi Bob,\r\n\r\nbye"
    )


def test_html_goes_with_its_words() -> None:
    octets = composed(body="<p>Hi <b>Bob</b></p><p>bye</p>")
    assert shape(octets) == "alternative(text/plain, text/html)"
    assert mime.body(octets) == ("Hi Bob\n\nbye", "<p>Hi <b>Bob</b></p><p>bye</p>")


def test_the_same_letter_is_the_same_octets() -> None:
    written = letter(files=(IMAGE, NOTE))
    assert compose(written, bcc=True) == compose(written, bcc=True)
    assert compose(written, bcc=True) != compose(replace(written, header_id="2@x.test"), bcc=True)


def test_bcc_is_kept_by_the_author_and_not_sent() -> None:
    written = letter(bcc=(Address("Secret", "s@x.test"),))
    assert mime.parse(compose(written, bcc=True)).bcc == (Address("Secret", "s@x.test"),)
    sent = compose(written, bcc=False)
    assert b"s@x.test" not in sent
    assert b"bcc" not in sent.lower()


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_read_back(name: str) -> None:
    people = (Address(name, "bob@x.test"), Address("", "c@x.test"), Address(name, "d@x.test"))
    octets = composed(to=people, sender=people[0], reply_to=people)
    expected = tuple(Address(" ".join(person.name.split()), person.email) for person in people)
    parsed = mime.parse(octets)
    assert parsed.to == parsed.reply_to == expected
    assert parsed.from_ == expected[:1]
    assert people_by_stdlib(octets, "To") == list(expected)


def test_a_thousand_recipients_are_folded_and_all_there() -> None:
    people = tuple(Address(f"Zoë {number}", f"z{number}@x.test") for number in range(1_000))
    octets = composed(to=people)
    assert mime.parse(octets).to == people
    assert people_by_stdlib(octets, "To") == list(people)


def test_domains_outside_ascii_are_written_in_punycode() -> None:
    octets = composed(to=(Address("", "info@Bücher.example"), Address("", "a@例え.jp")))
    assert [address.email for address in mime.parse(octets).to] == ["info@xn--bcher-kva.example", "a@xn--r8jz45g.jp"]


def test_an_address_outside_ascii_is_written_in_utf8() -> None:
    octets = compose(letter(to=(Address("用户", "用户@x.test"),)), bcc=False)
    assert "<用户@x.test>".encode() in octets
    assert mime.parse(octets).to == (Address("用户", "用户@x.test"),)


@pytest.mark.parametrize("subject", [*NAMES, "", "x" * 5_000, "word " * 2_000, "日本" * 2_000, "a  b   c", "=?", "?="])
def test_any_subject_is_read_back(subject: str) -> None:
    octets = composed(subject=subject)
    assert mime.parse(octets).subject == " ".join(subject.split())
    assert text_of(by_stdlib(octets)["Subject"]) == subject.strip()


@pytest.mark.parametrize("body", TEXTS)
@pytest.mark.parametrize("files", [(), (NOTE,)])
def test_any_text_is_read_back(body: str, files: tuple[File, ...]) -> None:
    octets = composed(body=body, is_plaintext=True, files=files)
    payload = leaves(octets)[0].get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert lines(payload.decode()) == lines(body)
    assert lines(mime.body(octets)[0]) == lines(body)


@pytest.mark.parametrize("body", TEXTS)
def test_any_html_is_read_back(body: str) -> None:
    octets = composed(body=f"<p>{body}</p>", files=(IMAGE,))
    payload = leaves(octets)[1].get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert lines(payload.decode()) == lines(f"<p>{body}</p>")
    assert lines(mime.body(octets)[1]) == lines(f"<p>{body}</p>")


def test_nul_is_left_out_and_lone_surrogates_are_replaced() -> None:
    octets = composed(
        body="a\0b \ud83d c", is_plaintext=True, subject="s \udc00\0", to=(Address("n \ud800", "b@x.test"),)
    )
    parsed = mime.parse(octets)
    assert parsed.text == "ab \ufffd c"
    assert parsed.subject == "s \ufffd"
    assert parsed.to[0].name == "n \ufffd"


def test_an_empty_letter_is_a_letter() -> None:
    octets = composed(body="", subject="", to=())
    assert shape(octets) == "text/plain"
    assert mime.parse(octets).problem == ""
    assert by_stdlib(octets)["To"] is None


def test_pictures_are_related_to_the_html_that_shows_them() -> None:
    second = File("ü.gif", "image/gif", b"GIF", "<img2@x>", is_inline=True)
    octets = composed(body='<img src="cid:img1"><img src="cid:img2@x">', files=(IMAGE, NOTE, second))
    assert shape(octets) == "mixed(alternative(text/plain, related(text/html, image/png, image/gif)), text/plain)"
    parsed = mime.parse(octets)
    assert [(file.filename, file.content_id, file.is_inline) for file in parsed.attachments] == [
        ("a.png", "img1", True), ("ü.gif", "img2@x", True), ("note.txt", "", False),
    ]  # fmt: skip
    assert parsed.html == '<img src="cid:img1"><img src="cid:img2@x">'


def test_pictures_of_a_plain_letter_go_beside_it() -> None:
    assert shape(composed(is_plaintext=True, files=(IMAGE,))) == "mixed(text/plain, image/png)"


def test_a_message_within_a_message_keeps_its_own_pictures() -> None:
    inner = compose(letter(body='<img src="cid:img1">', files=(IMAGE,)), bcc=False)
    octets = composed(body='<img src="cid:img1">', files=(IMAGE, File("inner.eml", "message/rfc822", inner)))
    parsed = mime.parse(octets)
    assert [file.filename for file in parsed.attachments] == ["a.png", "inner.eml"]
    assert mime.attachment_bytes(octets, parsed.attachments[1].part) == inner


def test_thirty_files_arrive_to_the_octet() -> None:
    files = tuple(File(f"{number}.bin", "application/x-any", bytes(range(256)) * number) for number in range(30))
    octets = composed(files=files)
    parsed = mime.parse(octets)
    assert [file.filename for file in parsed.attachments] == [file.filename for file in files]
    assert [mime.attachment_bytes(octets, file.part) for file in parsed.attachments] == [file.content for file in files]
    assert [leaf.get_payload(decode=True) for leaf in leaves(octets)[2:]] == [file.content for file in files]


@pytest.mark.parametrize(
    "filename",
    [
        "a.txt", "with blank.txt", 'quo"te.txt', "semi;colon.txt", "back\\slash.txt", "per%cent'.txt", "Ärger.pdf",
        "日本語" * 66 + ".pdf", "🎉" * 200, "x" * 200, "שלום.doc", "a*b.txt", "é" * 255,
    ],
)  # fmt: skip
def test_any_file_name_is_read_back(filename: str) -> None:
    octets = composed(files=(File(filename, "application/pdf", b"x"),))
    assert mime.parse(octets).attachments[0].filename == filename.rpartition("\\")[2]  # a path, to our reader
    part = leaves(octets)[2]
    assert part.get_filename() == filename
    assert text_of(part.get_param("name", unquote=True)).replace("\\\\", "\\") == filename


def test_a_file_without_a_name_or_type_is_sent() -> None:
    octets = composed(files=(File("", "", b"x"),))
    assert mime.parse(octets).attachments[0].content_type == "application/octet-stream"


def test_an_invitation_keeps_its_method() -> None:
    octets = composed(files=(File("i.ics", "text/calendar; method=REQUEST; charset=utf-8", b"BEGIN:VCALENDAR"),))
    assert leaves(octets)[2].get_param("method") == "REQUEST"


@pytest.mark.parametrize(
    "kind", ["message/rfc822", "multipart/mixed", "message/delivery-status", "text/rfc822-headers"]
)
def test_files_that_are_messages_are_sent_as_any_file(kind: str) -> None:
    octets = composed(files=(File("a.eml", kind, b"From: x\n\n\xff"),))
    parsed = mime.parse(octets)
    assert mime.attachment_bytes(octets, parsed.attachments[0].part) == b"From: x\n\n\xff"


def test_a_reply_names_what_it_answers() -> None:
    octets = composed(in_reply_to="p@x", references=("r@x", "p@x", "bad id", "q@x"))
    assert by_stdlib(octets)["In-Reply-To"] == "<p@x>"
    assert by_stdlib(octets)["References"] == "<r@x> <q@x> <p@x>"
    assert mime.parse(octets).references == ("r@x", "q@x", "p@x")


def test_a_long_list_of_references_keeps_its_ends() -> None:
    octets = composed(in_reply_to="p@x", references=tuple(f"{number}-{'x' * 200}@x" for number in range(500)))
    ids = mime.parse(octets).references
    assert len(ids) == 50
    assert ids[0].startswith("0-")
    assert ids[-2].startswith("499-")
    assert ids[-1] == "p@x"


@pytest.mark.parametrize("bad", ["a\r\nBcc: x@x.test", "a b@x", "<a@x>", "ü@x", "x" * 2_000])
def test_foreign_ids_that_would_break_the_header_are_left_out(bad: str) -> None:
    octets = composed(in_reply_to=bad, references=(bad, "r@x"))
    assert by_stdlib(octets)["In-Reply-To"] is None
    assert by_stdlib(octets)["References"] == "<r@x>"
    with pytest.raises(LetterRefused, match="Message-ID"):
        composed(header_id=bad)


def test_the_date_has_its_zone() -> None:
    date = datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))
    assert by_stdlib(composed(date=date))["Date"] == "Wed, 04 Mar 2026 05:06:07 -0330"


INJECTION = "x\r\nBcc: evil@x.test\r\n\r\n<script>"


@pytest.mark.parametrize(
    "injected",
    [
        {"subject": INJECTION}, {"to": (Address(INJECTION, "b@x.test"),)}, {"sender": Address(INJECTION, "a@x.test")},
        {"files": (File(INJECTION, "text/plain", b"x"),)}, {"subject": INJECTION.replace("\r\n", "\u2028")},
        {"files": (File("a", "text/plain; x=" + INJECTION, b"x"),)}, {"subject": INJECTION.replace("\r\n", "\x85")},
    ],
)  # fmt: skip
def test_line_breaks_in_what_is_one_line_begin_no_header(injected: dict[str, object]) -> None:
    parsed = by_stdlib(composed(**injected))
    assert parsed["Bcc"] is None
    for part in parsed.walk():
        assert not {name.lower() for name in part} - {
            "from", "to", "subject", "date", "message-id", "mime-version", "content-type", "content-disposition",
            "content-transfer-encoding",
        }  # fmt: skip


@pytest.mark.parametrize(
    ("refused", "words"),
    [
        ({"to": (Address("", INJECTION),)}, "is no address"),
        ({"sender": Address("", "nobody")}, "'nobody' is no address"),
        ({"files": (File("a", INJECTION, b"x"),)}, "content type of the file a"),
        ({"files": (File("a", "text", b"x"),)}, "content type of the file a"),
        ({"files": (File("a", "image/png", b"x", INJECTION, is_inline=True),)}, "content id of the file a"),
        ({"files": (File("y" * 256, "image/png", b"x"),)}, "yyy… has 256 characters"),
        ({"files": (File("a", "image/png", b"x"),) * 501}, "501"),
        ({"subject": "x" * 10_001}, "10,001 characters"),
        ({"headers": (("Bcc", "x@x.test"),)}, "header Bcc cannot"),
        ({"headers": (("X-A", "b\r\nBcc: x@x.test"),)}, "header 'X-A' holds a line break"),
    ],
)
def test_what_is_no_letter_is_refused_in_words(refused: dict[str, object], words: str) -> None:
    with pytest.raises(LetterRefused, match=re.escape(words)) as failed:
        composed(**refused)
    assert failed.value.permanent
    assert "\n" not in str(failed.value)


def test_custom_headers_are_written_as_they_are_named() -> None:
    long = "https://x.test/" + "y" * 700
    octets = composed(
        headers=(("X-MyHeader", "plain"), ("List-Unsubscribe", f"<{long}>"), ("X-Ü"[:2] + "U", "grüße 🎉"))
    )
    assert b"\r\nX-MyHeader: plain\r\n" in octets
    assert by_stdlib(octets)["List-Unsubscribe"] == f"<{long}>"
    assert text_of(by_stdlib(octets)["X-U"]) == "grüße 🎉"


@pytest.mark.parametrize("on_file", [False, True])
def test_a_large_file_takes_the_memory_of_the_message_and_little_more(on_file: bool) -> None:
    with Spool() as spool:
        for _ in range(25):
            spool.write(b"x" * 1_000_000)
        content = spool.octets() if on_file else spool.octets()[:]
    written = letter(files=(File("a.bin", "application/x-any", content),))
    compose(letter(), bcc=False)
    with peak() as memory:
        octets = compose(written, bcc=False)
    assert len(octets) > 34_000_000
    # The message is 34 MB, made of pieces of 1 MB; a file's 25 MB are the kernel's, and count where they were read.
    assert memory.more < (70_000_000 if on_file else 45_000_000)
    assert hashlib.sha256(mime.attachment_bytes(octets, 2)).digest() == hashlib.sha256(content).digest()


_CHARACTERS = st.characters(codec=None, exclude_categories=()) | st.sampled_from("\r\n\t \0,\"\\<>@=?.;:'()é日🎉\ud800")
_TEXT = st.text(_CHARACTERS, max_size=80)


@given(
    st.builds(
        Letter,
        sender=st.builds(Address, _TEXT, st.just("a@x.test")),
        to=st.lists(st.builds(Address, _TEXT, st.just("b@x.test")), max_size=4).map(tuple),
        cc=st.just(()), bcc=st.just(()), reply_to=st.just(()),
        subject=_TEXT, body=_TEXT, is_plaintext=st.booleans(),
        files=st.lists(
            st.builds(File, _TEXT, st.just("a/b"), st.binary(max_size=200), st.sampled_from(["", "c"]), st.booleans()),
            max_size=3,
        ).map(tuple),
        headers=st.just(()), header_id=st.just("1@x.test"), date=st.just(letter().date),
        in_reply_to=_TEXT, references=st.lists(_TEXT, max_size=3).map(tuple),
    )
)  # fmt: skip
@settings(deadline=None, max_examples=300)
def test_whatever_is_written_is_a_sound_message_and_read_back(written: Letter) -> None:
    octets = compose(written, bcc=False)
    assert_sound(octets)
    parsed = mime.parse(octets)
    assert len(parsed.to) == len(written.to)
    assert {address.email for address in parsed.to} <= {"b@x.test"}
    assert sorted(file.size for file in parsed.attachments) == sorted(len(file.content) for file in written.files)
    if written.is_plaintext:
        assert lines(parsed.text) == lines(charsets.clean(written.body))
