"""Generates a mailbox: conversations, newsletters, attachments, in sizes as real mailboxes have them.

The same bytes for a count each time; a smaller mailbox is the beginning of a greater one.
"""

import base64
import binascii
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

from bench.vocabulary import Vocabulary, encoded

SEED = 20_000
FIRST = datetime(2021, 1, 4, 6, 0, tzinfo=UTC)
ANSWERS = 0.45  # share of mails that answer one of the last OPEN
OPEN = 300
LARGEST = 4_000_000  # bytes of an attachment
OWNER = '"Dana Demo" <dana@bench.example>'


@dataclass(frozen=True, slots=True)
class BenchMail:
    """A mail as it lies on the server. `flags` as IMAP spells them."""

    raw: bytes
    flags: tuple[str, ...]
    received_at: datetime


@dataclass(frozen=True, slots=True)
class _Sent:
    """What an answer needs of the mail it answers."""

    message_id: str
    references: tuple[str, ...]
    subject: str


Part = tuple[str, bytes]  # its header lines, its encoded body


def mails(count: int) -> Iterator[BenchMail]:
    """`count` mails, the oldest first."""
    chance = random.Random(SEED)
    vocabulary = Vocabulary(chance)
    recent: list[_Sent] = []
    at = FIRST
    for number in range(count):
        at += timedelta(seconds=chance.expovariate(1 / 4_000))
        sent = _sent(chance, vocabulary, recent, number)
        recent = [*recent[-OPEN:], sent]
        kind = chance.choices(_KINDS, weights=_WEIGHTS)[0]
        header, body = kind(chance, vocabulary)
        head = _head(chance, vocabulary, sent, at)
        raw = f"{head}{header}\r\n\r\n".encode() + body
        yield BenchMail(raw, _flags(chance), at.replace(microsecond=0) + timedelta(seconds=3))


def _sent(chance: random.Random, vocabulary: Vocabulary, recent: list[_Sent], number: int) -> _Sent:
    message_id = f"<{number}.{chance.getrandbits(64):016x}@mail.bench.example>"
    if not recent or chance.random() > ANSWERS:
        return _Sent(message_id, (), vocabulary.subject(chance, number))
    first = chance.choice(recent)
    subject = first.subject if first.subject.startswith("Re: ") else f"Re: {first.subject}"
    return _Sent(message_id, (*first.references[-9:], first.message_id), subject)


def _head(chance: random.Random, vocabulary: Vocabulary, sent: _Sent, at: datetime) -> str:
    """The header fields that every mail has, with what relays add on the way."""
    name, address = chance.choice(vocabulary.people)
    others = [f"{who} <{where}>" for who, where in chance.sample(vocabulary.people, chance.choice((0, 0, 1, 2, 5)))]
    date = format_datetime(at.replace(microsecond=0))
    lines = [f"Return-Path: <{address}>"]
    lines += [
        f"Received: from relay{hop}.bench.example (relay{hop}.bench.example [192.0.2.{hop}])\r\n"
        f"\tby mx.bench.example with ESMTPS id {chance.getrandbits(60):x}; {date}"
        for hop in range(1, chance.randint(2, 5))
    ]
    signature = base64.b64encode(chance.randbytes(192)).decode()
    lines.append(
        "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=bench.example; s=one;\r\n\th=From:To:Subject;\r\n\tb="
        + "\r\n\t ".join(signature[start : start + 70] for start in range(0, len(signature), 70))
    )
    lines += [
        f"From: {name} <{address}>",
        f"To: {', '.join([OWNER, *others[:2]])}",
        f"Subject: {encoded(sent.subject)}",
    ]
    lines += [f"Date: {date}", f"Message-ID: {sent.message_id}", "MIME-Version: 1.0"]
    if others[2:]:
        lines.append(f"Cc: {', '.join(others[2:])}")
    if sent.references:
        lines += [f"In-Reply-To: {sent.references[-1]}", "References: " + "\r\n ".join(sent.references)]
    return "\r\n".join(lines) + "\r\n"


def _flags(chance: random.Random) -> tuple[str, ...]:
    odds = (("\\Seen", 0.8), ("\\Answered", 0.15), ("\\Flagged", 0.04), ("$Forwarded", 0.02))
    return tuple(flag for flag, odd in odds if chance.random() < odd)


def _size(chance: random.Random, median: float, sigma: float) -> int:
    return min(int(chance.lognormvariate(0, sigma) * median), LARGEST)


def _text(chance: random.Random, vocabulary: Vocabulary) -> Part:
    """A text in one of the charsets and encodings that are met."""
    text = "\r\n".join(vocabulary.sentences(chance, _size(chance, 2_000, 0.8))) + "\r\n"
    which = chance.random()
    if which < 0.5:
        return 'Content-Type: text/plain; charset="utf-8"\r\nContent-Transfer-Encoding: 8bit', text.encode()
    if which < 0.8:
        latin = text.encode("iso-8859-1", "replace").replace(b"\r\n", b"\n")
        header = "Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable"
        return header, binascii.b2a_qp(latin).replace(b"\n", b"\r\n")
    return "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64", _base64(text.encode())


def _newsletter(chance: random.Random, vocabulary: Vocabulary) -> Part:
    """Text and the same as HTML, which is longer."""
    rows = "".join(
        f'<tr><td style="font-family:Arial,sans-serif;font-size:14px;color:#{chance.getrandbits(24):06x};padding:8px">'
        f'{sentence} <a href="https://news.example/c/{chance.getrandbits(96):x}">more</a></td></tr>\r\n'
        for sentence in vocabulary.sentences(chance, _size(chance, 3_000, 0.7))
    )
    html = f"<html><head><title>News</title></head><body><table>\r\n{rows}</table></body></html>\r\n"
    quoted = binascii.b2a_qp(html.encode().replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    part = "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable", quoted
    return _multipart(chance, "alternative", [_text(chance, vocabulary), part])


def _with_attachment(chance: random.Random, vocabulary: Vocabulary) -> Part:
    """A text and a file that no compressor makes smaller, as pictures and PDFs are."""
    kind, name = chance.choice((("application/pdf", "Angebot März.pdf"), ("image/jpeg", "IMG_2041.jpg")))
    header = f'Content-Type: {kind}; name="{encoded(name)}"\r\nContent-Transfer-Encoding: base64'
    header += f'\r\nContent-Disposition: attachment; filename="{encoded(name)}"'
    file = chance.randbytes(_size(chance, 12_800, 1.45))
    return _multipart(chance, "mixed", [_text(chance, vocabulary), (header, _base64(file))])


def _multipart(chance: random.Random, subtype: str, parts: list[Part]) -> Part:
    boundary = f"=_{chance.getrandbits(96):x}"
    body = b"".join(f"--{boundary}\r\n{header}\r\n\r\n".encode() + content + b"\r\n" for header, content in parts)
    return f'Content-Type: multipart/{subtype}; boundary="{boundary}"', body + f"--{boundary}--\r\n".encode()


def _base64(content: bytes) -> bytes:
    return base64.encodebytes(content).replace(b"\n", b"\r\n")


_KINDS: tuple[Callable[[random.Random, Vocabulary], Part], ...] = (_text, _newsletter, _with_attachment)
_WEIGHTS = (55, 33, 12)
