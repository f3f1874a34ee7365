"""Addresses that users type: checked, and as SMTP takes them."""

import re
import uuid
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

from flanker.addresslib import address as addresslib

from mail.types import Address, Letter, LetterRefused

RECIPIENTS = 1_000  # of a message; Gmail takes 500 over SMTP, Exchange 1,000
NAME = 256  # characters
_PATH = 254  # octets of an address: RFC 5321 §4.5.3.1.3 less the angle brackets
_LOCAL = 64  # octets before the @ (§4.5.3.1.1)
# flanker logs an error for each of these; in a command or a header field they would begin another one.
_UNFIT = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"  # flanker takes any atom, and of any length
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


class BadAddress(NamedTuple):
    """An address that cannot be written to, and why, as a sentence for whoever typed it."""

    address: Address
    reason: str


def check_addresses(addresses: Sequence[Address]) -> tuple[BadAddress, ...]:
    """Those that are no addresses, of all that one message names. Raises LetterRefused where they are too many."""
    if len(addresses) > RECIPIENTS:
        raise LetterRefused(
            f"A message can have {RECIPIENTS:,} addresses, and this one has {len(addresses):,}. Send several messages."
        )
    checked = ((address, _of_name(address.name) or _read(address.email)[1]) for address in addresses)
    return tuple(BadAddress(address, reason) for address, reason in checked if reason)


def routable(email: str) -> str:
    """An address as SMTP takes it: its domain in lower case and, where outside ASCII, in Punycode (RFC 5891).

    What is before the @ may still be outside ASCII. Raises LetterRefused.
    """
    found, reason = _read(email)
    if reason:
        raise LetterRefused(f"{shown(email)} is no address to send mail from or to. {reason}")
    return found


def recipients(letter: Letter) -> tuple[str, ...]:
    """All who get a letter, each once, as SMTP takes them. Raises LetterRefused."""
    return once(address.email for address in (*letter.to, *letter.cc, *letter.bcc))


def once(emails: Iterable[str]) -> tuple[str, ...]:
    """Addresses as SMTP takes them, each once, whatever its case. Raises LetterRefused."""
    found: dict[str, str] = {}
    for email in map(routable, emails):
        found.setdefault(email.lower(), email)
    return tuple(found.values())


def new_header_id(sender: str) -> str:
    """A Message-ID that nobody else makes, without angle brackets, in the domain of the sender's address."""
    domain = _read(sender)[0].rpartition("@")[2]
    return f"{uuid.uuid4()}@{domain or 'localhost.invalid'}"


def shown(text: str) -> str:
    """What somebody typed, as errors repeat it: cut, and without signs that would break the line."""
    return repr(text[:80].encode("utf-8", "replace").decode())


def _of_name(name: str) -> str:
    if len(name) > NAME:
        return f"The name is longer than {NAME} characters."
    return "The name holds a line break, another control character or broken Unicode." if _UNFIT.search(name) else ""


def _unfit(email: str) -> str:
    if not email.strip():
        return "The address is missing."
    if _UNFIT.search(email):
        return "The address holds a line break, another control character or broken Unicode."
    return f"The address is longer than {_PATH} octets." if len(email.encode()) > _PATH else ""


@lru_cache(maxsize=2_048)  # a parser in Python, and each address comes up three times: checked, written, sent to
def _read(email: str) -> tuple[str, str]:
    """An address as SMTP takes it, or "" and the reason why there is none."""
    if unfit := _unfit(email):
        return "", unfit
    parsed = addresslib.parse(email, addr_spec_only=True, strict=True)
    if parsed is None:
        return "", "It is not of the form name@domain, or its domain cannot exist."
    domain = parsed.hostname if parsed.hostname.isascii() else parsed.ace_hostname
    if len(domain) > 253 or not _DOMAIN.fullmatch(domain):
        return "", "Its domain cannot exist."
    if len(parsed.mailbox.encode()) > _LOCAL:
        return "", f"What is before the @ is longer than {_LOCAL} octets."
    return f"{parsed.mailbox}@{domain}", ""
