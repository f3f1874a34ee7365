"""The regular FETCH response, as nearly every server writes it: one compiled expression instead of token by token.

What it does not match goes the reader's general way, which gives the same items; a property test holds both to it.
Dovecot, Gmail and Outlook.com put the literal last, Courier and older Exchange put UID and FLAGS behind it.
"""

import functools
import re

from mail.types import Octets

Token = Octets | None | list["Token"]
Items = dict[bytes, Token]
Line = tuple[Items, bytes, int]  # items, section, size of the literal that follows

_WORD = rb"[\\$A-Za-z0-9_.:+/*=-]+"
_ID = rb"(?!(?:NIL|nil)\))[A-Za-z0-9_-]{1,255}"
_PLAIN = (b"UID", b"RFC822.SIZE", b"X-GM-MSGID", b"X-GM-THRID", b"INTERNALDATE")
_LISTED = (b"MODSEQ", b"EMAILID", b"THREADID")  # in a list of their own
# Repeats are bounded, for re keeps a state for each of them.
_ITEMS = (
    rb"(?:(?:"
    rb"UID (\d{1,10})"
    rb"|RFC822\.SIZE (\d{1,19})"
    rb"|X-GM-MSGID (\d{1,20})"
    rb"|X-GM-THRID (\d{1,20})"
    rb'|INTERNALDATE "([^"\\\r\n]{0,40})"'
    rb"|MODSEQ \((\d{1,20})\)"
    rb"|EMAILID \((" + _ID + rb")\)"
    rb"|THREADID \((" + _ID + rb")\)"
    rb"|FLAGS \(((?:" + _WORD + rb"(?: " + _WORD + rb"){0,99})?)\)"
    rb")(?: |(?=\)))){0,12}"
)
_FLAGS = len(_PLAIN) + len(_LISTED) + 1  # the group of the flags; all groups after it are of the line itself
_LINE = re.compile(rb"\* (?:\d{1,10}) FETCH \(" + _ITEMS + rb"(?:\)|(BODY\[(?:HEADER)?\]) \{(\d{1,9})\})\r\n")
_REST = re.compile(rb" ?" + _ITEMS + rb"\)\r\n")


def line(octets: bytes) -> Line | None:
    """A response's first line; None where it is not regular. Without a literal the section is b""."""
    match = _LINE.fullmatch(octets)
    if match is None or match.start(1) > octets.find(b"UID ") + 4:  # two UIDs
        return None
    groups = match.groups()
    section, size = groups[_FLAGS:]
    return _items(groups), section or b"", int(size or 0)


def rest(octets: bytes) -> Items | None:
    """The items behind the literal; None where the line is not regular."""
    if octets == b")\r\n":
        return {}
    match = _REST.fullmatch(octets)
    return None if match is None or match.start(1) > octets.find(b"UID ") + 4 else _items(match.groups())


def _items(groups: tuple[bytes | None, ...]) -> Items:
    items: Items = {name: text for name, text in zip(_PLAIN, groups, strict=False) if text is not None}
    flags = groups[_FLAGS - 1]
    if flags is not None:
        items[b"FLAGS"] = _words(flags)
    for name, text in zip(_LISTED, groups[len(_PLAIN) : _FLAGS - 1], strict=True):
        if text is not None:
            items[name] = [text]
    return items


@functools.lru_cache(maxsize=4096)  # a mailbox knows few combinations
def _words(flags: bytes) -> list[Token]:
    return [None if word in {b"NIL", b"nil"} else word for word in flags.split()]
