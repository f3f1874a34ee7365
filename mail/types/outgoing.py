"""What is sent, and what the submission server says of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from mail.types.contents import Address, Octets


class File(NamedTuple):
    """A file that goes with a letter. `is_inline`: the HTML body shows it as "cid:" and its `content_id`."""

    filename: str
    content_type: str  # "type/subtype", with parameters or not; "" where unknown
    content: Octets
    content_id: str = ""  # without angle brackets
    is_inline: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """What somebody writes. `body` is HTML unless `is_plaintext`; ids are without angle brackets."""

    sender: Address
    to: tuple[Address, ...]
    cc: tuple[Address, ...]
    bcc: tuple[Address, ...]
    reply_to: tuple[Address, ...]
    subject: str
    body: str
    is_plaintext: bool
    files: tuple[File, ...]
    headers: tuple[tuple[str, str], ...]  # custom ones: (name, value)
    header_id: str  # Message-ID
    date: datetime  # aware
    in_reply_to: str = ""
    references: tuple[str, ...] = ()  # oldest first


class Refusal(NamedTuple):
    """A recipient that the server does not take: its reply code (RFC 5321 §4.2; 4xx may pass later), and its words."""

    address: str
    code: int
    message: str


class Delivery(NamedTuple):
    """The server took the message. `refused`: recipients who do not get it; `response`: its words, often with an id."""

    refused: tuple[Refusal, ...]
    response: str
