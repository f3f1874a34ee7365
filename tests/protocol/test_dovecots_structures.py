"""Attachments by the structure that Dovecot tells are those that the message itself has."""

import base64
import quopri
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mail import mime
from mail.imap.session import MailSession
from mail.types import Attachment
from tests import corpus
from tests.mailboxes import MailboxFactory

Header = list[str]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A part: its Content-* fields and its encoded body."""

    header: Header
    body: bytes


@dataclass(frozen=True, slots=True)
class Multipart:
    """Parts in a multipart of that subtype."""

    subtype: str
    parts: "list[Leaf | Multipart]"


def written(part: Leaf | Multipart, numbers: Iterator[int]) -> bytes:
    """Header, blank line and body."""
    if isinstance(part, Leaf):
        return "".join(f"{line}\r\n" for line in part.header).encode() + b"\r\n" + part.body
    boundary = b"=_%d" % next(numbers)
    head = b'Content-Type: multipart/%s; boundary="%s"\r\n\r\n' % (part.subtype.encode(), boundary)
    parts = [b"--%s\r\n%s\r\n" % (boundary, written(each, numbers)) for each in part.parts]
    return head + b"".join(parts) + b"--%s--\r\n" % boundary


NAMES = st.text("abc Grüße日本語🎉;'%=?*\"-_.", min_size=1, max_size=80).map(lambda name: f"{name}.bin")
LINES = st.lists(st.text("plain words, grüße = 日本", max_size=200), max_size=20).map("\r\n".join)


def quoted(name: str) -> str:
    escaped = name.replace('"', '\\"')
    return f'"{escaped}"'


def encoded_words(name: str, encoding: str) -> str:
    """Each character in a word of its own."""
    made = [
        base64.b64encode(octets).decode() if encoding == "b" else "".join(f"={octet:02X}" for octet in octets)
        for octets in map(str.encode, name[:40])
    ]
    return quoted(" ".join(f"=?utf-8?{encoding}?{each}?=" for each in made))


def extended(key: str, name: str) -> list[str]:
    """RFC 2231 in sections, percent-encoded and plain ones in turn where that can be."""
    cut = [name[at : at + 20] for at in range(0, len(name), 20)]
    out = [f"{key}*0*=utf-8''{quote(cut[0], safe='')}"]
    for number, piece in enumerate(cut[1:], 1):
        plain = piece.isascii() and piece.replace(".", "").isalnum()
        out.append(f'{key}*{number}="{piece}"' if plain else f"{key}*{number}*={quote(piece, safe='')}")
    return out


@st.composite
def parameters(draw: st.DrawFn, key: str) -> str:
    """A file name as mailers write it, or none."""
    name = draw(NAMES)
    ways = [
        [],
        [f"{key}={quoted(name.encode('ascii', 'replace').decode())}"],
        [f"{key}={quoted(name)}"],
        [f"{key}*=utf-8''{quote(name, safe='')}"],
        [f"{key}={encoded_words(name, 'b')}"],
        [f"{key}={encoded_words(name, 'q')}"],
        extended(key, name),
        [f"{key}*=iso-8859-1'de'{quote(name.encode('latin-1', 'replace'), safe='')}", f"{key}=plain.txt"],
    ]
    return "".join(f";\r\n {each}" for each in draw(st.sampled_from(ways)))


@st.composite
def leaves(draw: st.DrawFn) -> Leaf:
    text = draw(st.booleans())
    kinds = ("text/plain", "text/html", "text/calendar", "TEXT/CSV") if text else (
        "image/png", "application/pdf", "Application/Octet-Stream", "audio/x-wav", "message/delivery-status")  # fmt: skip
    header = [f"Content-Type: {draw(st.sampled_from(kinds))}{draw(parameters('name'))}"]
    if draw(st.booleans()):
        shown = draw(st.sampled_from(("attachment", "inline", "INLINE", "form-data")))
        header.append(f"Content-Disposition: {shown}{draw(parameters('filename'))}")
    if draw(st.booleans()):
        header.append(f"Content-ID: <{draw(st.sampled_from('abc'))}@x>")
    octets = draw(LINES).encode() if text else draw(st.binary(max_size=2_000))
    encoding = draw(st.sampled_from(("7bit", "quoted-printable", "base64"))) if text else "base64"
    header.append(f"Content-Transfer-Encoding: {encoding}")
    if encoding == "base64":
        octets = base64.encodebytes(octets).replace(b"\n", b"\r\n")
    elif encoding == "quoted-printable":  # of few escapes: with many, nobody can tell the size
        octets = octets.decode().encode("ascii", "replace").replace(b"=", b"-")
        octets = quopri.encodestring(octets.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    return Leaf(draw(st.permutations(header)), octets)


@st.composite
def nested(draw: st.DrawFn, inner: st.SearchStrategy[Leaf | Multipart]) -> Leaf:
    """A message as a part."""
    subject = draw(
        st.sampled_from(["", "Subject: =?utf-8?q?Gr=C3=B6=C3=9Fe?= / x", "Subject: plain\r\n folded", "X: y"])
    )
    header = [f"Content-Type: message/rfc822{draw(parameters('name'))}"]
    if draw(st.booleans()):
        header.append(f"Content-Disposition: attachment{draw(parameters('filename'))}")
    numbers = count(1_000 * draw(st.integers(1, 1_000_000)))
    return Leaf(header, (f"{subject}\r\n" if subject else "").encode() + written(draw(inner), numbers))


TREES = st.recursive(
    leaves(),
    lambda inner: nested(inner) | st.builds(
        Multipart,
        st.sampled_from(("mixed", "alternative", "related", "signed", "report", "MIXED", "x-unknown")),
        st.lists(inner, min_size=1, max_size=4),
    ),
    max_leaves=10,
)  # fmt: skip


def assert_alike(ours: Sequence[Attachment], theirs: Sequence[Attachment]) -> None:
    """Attachments by the structure and by the message: the same, their sizes about the same."""
    assert [each._replace(size=0) for each in ours] == [each._replace(size=0) for each in theirs]
    for by_structure, by_message in zip(ours, theirs, strict=True):
        assert abs(by_structure.size - by_message.size) <= 10 + by_message.size / 20


def test_attachments_by_dovecots_structure_are_those_of_the_message(mailbox_factory: MailboxFactory) -> None:
    box = mailbox_factory("qresync")
    with box.client() as client, MailSession.open(box.login) as opened:
        numbers = count(1)

        @given(TREES)
        @settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
        def alike(tree: Leaf | Multipart) -> None:
            mail = b"Subject: generated\r\nMIME-Version: 1.0\r\n" + written(tree, count())
            client.append("INBOX", mail)
            opened.select("INBOX")
            (message,) = opened.bodies([next(numbers)], headers_only=True)
            assert message.parts is not None
            assert_alike(mime.listed(message.parts)[0], mime.parse(mail).attachments)

        alike()


@corpus.needs_corpus
def test_attachments_of_real_mail_by_dovecots_structure_are_those_of_the_message(
    mailbox_factory: MailboxFactory,
) -> None:
    """But for mail that is so broken that Dovecot makes something else of it, and pictures that only the HTML shows."""
    box = mailbox_factory("qresync")
    found: list[tuple[Attachment, ...]] = []
    with box.client() as client:
        for _path, raw in corpus.messages():
            mail = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            attachments = mime.parse(mail).attachments
            if attachments and len(mail) < 200_000 and b"\0" not in mail:
                client.append("INBOX", mail)
                found.append(attachments)
    with MailSession.open(box.login) as opened:
        opened.select("INBOX")
        told = {message.uid: message.parts for message in opened.bodies(range(1, len(found) + 1), headers_only=True)}
    others = sum(_names(mime.listed(told[uid] or ())[0]) != _names(each) for uid, each in enumerate(found, 1))
    assert len(found) > 400
    assert others < len(found) / 20


def _names(attachments: Sequence[Attachment]) -> list[tuple[str, str, bool]]:
    return [(each.filename, each.content_type, each.is_inline) for each in attachments]
