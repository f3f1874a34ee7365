"""Makes the sample mailbox: about 200 mails of all the kinds that a real one has, the same each time but for dates."""

import random
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from syncfarm.demo.people import OWNER, PEOPLE, SENTENCES, TOPICS

THREADS, SINGLES, PER_FOLDER = 12, 60, 10
FOLDERS = ("Sent", "Archive", "Junk", "Entwürfe", "A/B & C", "INBOX.日本語")


@dataclass(frozen=True, slots=True)
class SampleMail:
    """A mail and where it lies. `flags` as IMAP spells them; `received_at` is aware."""

    folder: str
    flags: tuple[str, ...]
    received_at: datetime
    raw: bytes


def sample(now: datetime) -> list[SampleMail]:
    """All mails, the newest a few minutes older than `now`."""
    chance = random.Random(4711)  # noqa: S311 -- for variety, not for secrets
    mails = [
        *_conversations(chance, now),
        *_singles(chance, now),
        *_elsewhere(chance, now),
        *_oddities(now),
    ]
    return sorted(mails, key=lambda mail: mail.received_at)


def _conversations(chance: random.Random, now: datetime) -> Iterator[SampleMail]:
    """Threads of people who answer each other; what the owner writes lies in Sent."""
    for number in range(THREADS):
        topic, start = TOPICS[number % len(TOPICS)], now - timedelta(days=2 + 3 * number)
        ids: list[str] = []
        for turn in range(chance.randint(3, 8)):
            sender = OWNER if turn % 3 == 2 else chance.choice(PEOPLE[:-1])
            message = _message(chance, sender, topic if not turn else f"Re: {topic}", start + timedelta(hours=5 * turn))
            if ids:
                message["In-Reply-To"], message["References"] = ids[-1], " ".join(ids)
            ids.append(str(message["Message-ID"]))
            yield _mail(message, "Sent" if sender is OWNER else "INBOX", chance)


def _singles(chance: random.Random, now: datetime) -> Iterator[SampleMail]:
    """Newsletters, bills, pictures, invitations: every kind of body and attachment in turn."""
    for number in range(SINGLES):
        message = _message(
            chance,
            PEOPLE[number % len(PEOPLE)],
            f"{TOPICS[number % len(TOPICS)]} #{number + 1}",
            now - timedelta(hours=7 * number, minutes=11),
        )
        _KINDS[number % len(_KINDS)](message)
        yield _mail(message, "INBOX", chance)


def _elsewhere(chance: random.Random, now: datetime) -> Iterator[SampleMail]:
    """Mail in the other folders, whose names test the wire's encoding."""
    for folder in FOLDERS:
        for number in range(PER_FOLDER):
            sender = OWNER if folder in {"Sent", "Entwürfe"} else chance.choice(PEOPLE)
            message = _message(
                chance, sender, f"{chance.choice(TOPICS)} ({folder} {number + 1})", now - timedelta(days=9 * number + 1)
            )
            yield _mail(message, folder, chance, ("\\Draft",) if folder == "Entwürfe" else ())


def _oddities(now: datetime) -> Iterator[SampleMail]:
    """What real mailboxes hold and no library would write."""
    head = b"From: odd@demo.example\r\nTo: dana@demo.example\r\nMessage-ID: <odd%d@demo.example>\r\n"
    broken = (
        b"Subject: Gr\xfc\xdfe ohne Zeichensatz\r\n\r\nRaw 8-bit header, raw 8-bit b\xf6dy.\r\n",
        b"Subject: =?utf-8?B?broken base64?=\r\nContent-Type: text/plain; charset=no-such\r\n\r\nStill here.\r\n",
        b"Content-Type: multipart/mixed; boundary=never\r\n\r\nThe boundary never comes, and there is no subject.\r\n",
        b"Subject: Bad transfer encoding\r\nContent-Transfer-Encoding: base64\r\n\r\n!!! this is not base64 !!!\r\n",
        b"Subject: =?iso-2022-jp?B?GyRCRnxLXDhsJE43b0w+GyhC?=\r\nContent-Type: text/plain; charset=iso-2022-jp\r\n\r\n"
        + "日本語の本文です。\r\n".encode("iso-2022-jp"),
        b"Subject:\r\n\r\n",
    )
    for number, rest in enumerate(broken):
        yield SampleMail("INBOX", (), now - timedelta(minutes=5 * (number + 1)), head % number + rest)


def _message(chance: random.Random, sender: Address, subject: str, date: datetime) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = [chance.choice(PEOPLE[:-1])] if sender is OWNER else [OWNER]
    message["Subject"] = subject
    message["Date"] = format_datetime(date)
    message["Message-ID"] = f"<{chance.getrandbits(64):x}@{sender.domain}>"
    message.set_content("Hello,\n\n" + "\n".join(chance.sample(SENTENCES, 3)) + f"\n\n{sender.display_name}\n")
    return message


def _mail(message: EmailMessage, folder: str, chance: random.Random, flags: tuple[str, ...] = ()) -> SampleMail:
    seen = ("\\Seen",) if chance.random() < 0.6 else ()
    flagged = ("\\Flagged",) if chance.random() < 0.1 else ()
    return SampleMail(folder, flags + seen + flagged, message["Date"].datetime, message.as_bytes())


def _plain(_message: EmailMessage) -> None:
    """Text alone."""


def _html(message: EmailMessage) -> None:
    text = message.get_content()
    message.add_alternative(f"<html><body><h1>News</h1><p>{text}</p><p><b>Bye</b></p></body></html>", subtype="html")


def _picture_inside(message: EmailMessage) -> None:
    message.add_alternative('<p>A picture: <img src="cid:picture@demo"></p>', subtype="html")
    html = message.get_payload(1)
    assert isinstance(html, EmailMessage)
    html.add_related(_png(), "image", "png", cid="<picture@demo>", filename="picture.png")


def _bill(message: EmailMessage) -> None:
    message.add_attachment(_PDF, maintype="application", subtype="pdf", filename="Rechnung März.pdf")


def _invitation(message: EmailMessage) -> None:
    calendar = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1@demo\r\nSUMMARY:Lunch\r\n"
    calendar += "DTSTART:20250106T120000Z\r\nDTEND:20250106T130000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    message.add_alternative(calendar, subtype="calendar", params={"method": "REQUEST"})


def _forwarded(message: EmailMessage) -> None:
    inner = EmailMessage(policy=SMTP)
    inner["From"], inner["Subject"] = PEOPLE[0], "The mail inside"
    inner.set_content("This one was forwarded as an attachment.\n")
    message.add_attachment(inner)


def _spreadsheet(message: EmailMessage) -> None:
    rows = "\n".join(f"{month};{month * 17 % 91}" for month in range(1, 13))
    message.add_attachment(rows, subtype="csv", filename="数字.csv")


def _png() -> bytes:
    """A picture of 16 by 16 pixels in one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\x2a\x6f\xb0" * 16) * 16
    header = struct.pack(">IIBBBBB", 16, 16, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


_PDF = b"%PDF-1.1\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Count 0/Kids[]>>endobj\n%%EOF\n"
_KINDS = (_plain, _html, _picture_inside, _bill, _invitation, _forwarded, _spreadsheet)
