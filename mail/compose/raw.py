"""A message that a user hands over as it is: who gets it, and the little that is changed of it.

Its header is read strictly. What reads differently here and at the server (a carriage return alone, a line that is no
field) could send a Bcc field along, so it is refused.
"""

import re
from datetime import datetime
from email.utils import format_datetime
from typing import NamedTuple

from mail.compose import headers
from mail.compose.recipients import check_addresses, once, routable
from mail.mime import addresses, fields
from mail.types import Address, LetterRefused, Octets

_PEOPLE = ("to", "cc", "bcc")
_BARE = re.compile(rb"\r(?!\n)|\0")
_END = re.compile(rb"\r?\n(?=\r?\n)")  # of the last field


class Envelope(NamedTuple):
    """Who sends a message and who gets it. `sender` as in the From field; `recipients` as SMTP takes them."""

    sender: Address
    recipients: tuple[str, ...]


class _Field(NamedTuple):
    name: str  # lower case
    value: bytes
    start: int  # in the message
    end: int  # behind its line break


def raw_recipients(octets: Octets) -> Envelope:
    """The first address of From, and all of To, Cc and Bcc. Raises LetterRefused where they cannot be written to, or
    the octets are no message."""
    found = _fields(octets)
    senders = [field.value for field in found if field.name == "from"]
    if len(senders) != 1:
        raise LetterRefused(f"The message has {len(senders) or 'no'} From fields. It needs one.")
    sender = next(iter(_people(senders)), None)
    if sender is None:
        raise LetterRefused("There is no address in the From field.")
    routable(sender.email)
    people = _people([field.value for field in found if field.name in _PEOPLE])
    if not people:
        raise LetterRefused("There is no address in To, Cc or Bcc.")
    if bad := check_addresses(people):
        raise LetterRefused(" ".join(f"{each.address.email or each.address.name!r}: {each.reason}" for each in bad))
    return Envelope(sender, once(person.email for person in people))


def without_bcc(octets: Octets) -> bytes:
    """The message without its Bcc fields, to the octet the same otherwise. Raises LetterRefused."""
    pieces, at = [], 0
    for field in _fields(octets):
        if field.name in {"bcc", "resent-bcc"}:
            pieces.append(octets[at : field.start])
            at = field.end
    return b"".join([*pieces, octets[at:]])


def completed(octets: Octets, *, header_id: str, date: datetime) -> bytes:
    """The message with a Message-ID and a Date in front where it has none, and without blank lines or an mbox separator
    before its header. Raises LetterRefused."""
    found = _fields(octets)
    names = {field.name for field in found}
    added = ""
    if "message-id" not in names:
        added += headers.of_ids("Message-ID", [header_id])
    if "date" not in names:
        added += f"Date: {format_datetime(date)}\r\n"
    return b"".join([added.encode(), octets[found[0].start :]])


def _fields(octets: Octets) -> list[_Field]:
    """The header's fields, where they are."""
    start = _start(octets)
    end = _END.search(octets, start, start + fields.CAP)
    stop = end.end() if end else len(octets)
    if stop - start > fields.CAP:
        raise LetterRefused(f"The header of the message is longer than {fields.CAP:,} octets.")
    header = octets[start:stop]
    if _BARE.search(header):
        raise LetterRefused("The header of the message holds a carriage return without a line feed, or NUL.")
    found = []
    for number, line in enumerate(fields.LINE.split(header.removesuffix(b"\n")), 1):
        if not fields.NAME.match(line):
            raise LetterRefused(_no_field(number, line))
        name, _, value = line.partition(b":")
        found.append(_Field(name.strip().lower().decode(), value, start, min(start + len(line) + 1, len(octets))))
        start += len(line) + 1
    return found


def _start(octets: Octets) -> int:
    envelope = fields.ENVELOPE.match(octets)
    return envelope.end() if envelope else 0


def _no_field(number: int, line: bytes) -> str:
    if number == 1:
        return "This is no message: it does not begin with a header field, such as From: or Subject:."
    return f"The header of the message holds what is no field: {line[:80].decode('ascii', 'replace')!r}."


def _people(values: list[bytes]) -> tuple[Address, ...]:
    found, whole = addresses.parse(values)
    if not whole:
        raise LetterRefused("There are more addresses in a field of the message than can be read.")
    return found
