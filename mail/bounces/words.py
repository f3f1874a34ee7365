"""Notifications in plain text, of programs whose words are known: qmail (QSBMF), Exim, Gmail and Yahoo as they were.

All of them return the message, or its header, below a line of their own. Without that nobody knows what failed.
"""

import re
from collections.abc import Iterator, Sequence

from mail.bounces import status
from mail.bounces.report import ADDRESS, CAP, message_id_of
from mail.mime import body
from mail.types import Bounce, BouncedRecipient, Octets

_BEGINNINGS = (
    "Hi. This is the",  # QSBMF: cr.yp.to/proto/qsbmf.txt
    "This message was created automatically by mail delivery software",  # Exim
    "Delivery to the following recipient",  # Gmail until 2016
    "Message from yahoo.com.",
    "Message from  yahoo.com.",
)
_SEPARATOR = re.compile(
    r"\n-{2,}[ ]?(?:Below this line is a copy of the (?:message|bounce)|Original message(?: follows| headers follow)?|"
    r"This is a copy of (?:the|your) message|Header of the original message|Enclosed is a copy of the message)[^\n]*\n",
    re.IGNORECASE,
)
_DELAYED = re.compile(
    r"warning message only|has not yet been delivered|will (?:continue|be retried|keep trying)|no action is required|"
    r"delivery[^\n]{0,40}delayed|not been able to deliver[^\n]{0,80}yet",
    re.IGNORECASE,
)
_LISTED = re.compile(r"^[ ]{0,4}<([^<>\s]{1,400}@[^<>\s]{1,400})>:[ \t]*\n?((?:(?!\n)[^\n]+\n?){0,20})", re.MULTILINE)
_REASONS = 2_000  # characters above the message in which Exim and Gmail give one reason for all


def read(raw: Octets, fields: Sequence[tuple[str, str]]) -> Bounce | None:
    """What such a text says; None for any other. `fields`: the header's."""
    text = body(raw)[0][:CAP].lstrip()
    if not text.startswith(_BEGINNINGS):
        return None
    separator = _SEPARATOR.search(text)
    if separator is None or _DELAYED.search(text, 0, separator.start()):
        return None
    above = text[: separator.start()]
    failed = tuple(_listed(above)) or tuple(_named(fields, above))
    header_id = message_id_of(text[separator.end() :].lstrip("\n").encode())
    return Bounce(header_id, failed, status.kind(failed)) if failed and header_id else None


def _listed(text: str) -> Iterator[BouncedRecipient]:
    """One paragraph each: <address>: and why."""
    for count, match in enumerate(_LISTED.finditer(text)):
        if count >= status.RECIPIENTS:
            return
        if len(match[1]) <= ADDRESS:
            yield BouncedRecipient(match[1], status.code(match[2]), status.cleaned(match[2]))


def _named(fields: Sequence[tuple[str, str]], text: str) -> Iterator[BouncedRecipient]:
    """Exim and Gmail name them in the header, and give reasons below each other."""
    values = (value for name, value in fields if name.lower() == "x-failed-recipients")
    reasons = text[-_REASONS:]
    addresses = [each.strip("<> ") for value in values for each in value.replace(",", " ").split()]
    for address in dict.fromkeys(addresses[: status.RECIPIENTS]):
        if "@" in address and len(address) <= ADDRESS:
            at = reasons.find(address)
            reason = reasons[at + len(address) :] if at >= 0 else reasons
            yield BouncedRecipient(address, status.code(reason), status.cleaned(reason))
