"""What a message says."""

import mmap
from datetime import datetime
from typing import NamedTuple

Octets = bytes | mmap.mmap  # in memory, or in a temporary file (mail.spool)

# What is read of one message's structure, whoever tells it: the message itself or its server.
PARTS = 1_000  # leaves listed
DEPTH = 100  # multiparts within multiparts; deeper ones are leaves


class Address(NamedTuple):
    """A mailbox of an address header. `email` is as written; either may be ""."""

    name: str
    email: str


class Attachment(NamedTuple):
    """A part that is not the body. `part` is its index in a depth-first walk over the message's leaf parts and nested
    messages, which mail.mime.attachment_pieces takes."""

    part: int
    filename: str
    content_type: str  # lower case, "type/subtype"
    size: int  # bytes after transfer decoding; an estimate where only the header is mirrored
    content_id: str = ""  # without angle brackets
    disposition: str = ""  # attachment | inline | ""
    is_inline: bool = False


class Parsed(NamedTuple):
    """A message, read. Every text is valid Unicode without NUL (PostgreSQL takes none) or lone surrogates."""

    header_id: str = ""  # Message-ID without angle brackets
    references: tuple[str, ...] = ()  # References then In-Reply-To, ids without brackets, oldest first, no doubles
    subject: str = ""
    from_: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    date: datetime | None = None  # aware; None where missing or unreadable
    text: str = ""  # the text/plain body, if any
    html: str = ""  # the text/html body, if any
    snippet: str = ""  # first 100 characters of the visible text, whitespace folded
    attachments: tuple[Attachment, ...] = ()
    problem: str = ""  # what could not be read, in words; "" when all was
