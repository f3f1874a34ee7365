"""Header fields that users add: which they may."""

import re
from collections.abc import Iterable, Sequence

from mail.compose.recipients import shown

HEADERS = 100  # of a message
VALUE = 8_000  # characters
_NAME = re.compile(r"[!-9;-~]{1,76}")  # RFC 5322 §2.2, short enough to leave room on its line
_BREAKS = re.compile("[\r\n\0]")
# What the message's other fields, its parts or the servers on its way say.
_OURS = re.compile(
    r"from|to|cc|bcc|sender|reply-to|subject|date|message-id|in-reply-to|references|resent-.*|received|return-path|"
    r"delivered-to|mime-version|content-.*|dkim-.*|domainkey-.*|arc-.*|authentication-results|received-spf",
    re.IGNORECASE,
)


def check_headers(headers: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """What is wrong with custom (name, value) fields: a sentence for each, which names it."""
    found = [complaint for name, value in headers[:HEADERS] for complaint in _complaints(name, value)]
    if len(headers) > HEADERS:
        found.append(f"A message can have {HEADERS} custom headers, and this one has {len(headers):,}.")
    return tuple(found)


def _complaints(name: str, value: str) -> Iterable[str]:
    if not _NAME.fullmatch(name):
        yield (
            f"{shown(name)} is no name of a header: it is of ASCII letters, digits and signs without blanks or colons,"
            f" 76 at most."
        )
    elif _OURS.fullmatch(name):
        yield f"The header {name} cannot be set: what the message is made of decides it, or the servers on its way."
    if _BREAKS.search(value):
        yield f"The value of the header {shown(name)} holds a line break or NUL."
    elif len(value) > VALUE:
        yield f"The value of the header {shown(name)} is longer than {VALUE:,} characters."
