"""Message-ID, References and In-Reply-To (RFC 5322 §3.6.4), also where mailers wrote prose into them."""

import re
from collections.abc import Iterable

ONE = re.compile(rb"\s*<([^<>\s]*)>\s*")  # nothing but an id
BRACKETED = re.compile(rb"<([^<>]*)>")
COMMENT = re.compile(rb"\([^()]*\)|\"[^\"]*\"")
CAP = 998  # characters of an id: a line's limit, and the column's
VALUE_CAP = 262_144
FIELDS = 100  # occurrences read of one header
LIMIT = 500  # references kept: the first, which names the thread, and the latest


def message_id(value: bytes) -> str:
    """The first id of a Message-ID value, without brackets and blanks; the bare value where it has no brackets."""
    found = BRACKETED.search(value, 0, VALUE_CAP)
    return _text(found[1] if found and found[1].strip() else value[:VALUE_CAP].strip(b"<> \t\r\n"))


def references(values: list[bytes], replied: list[bytes], people: Iterable[str], own: str) -> tuple[str, ...]:
    """Ids of References then In-Reply-To, oldest first, without doubles and the message's `own`.

    `people`: addresses of the message. Old mailers wrote "Message from Joe <joe@x> of …" into In-Reply-To,
    and one person's address taken for an id would join all of that person's threads.
    """
    if not (values or replied):
        return ()
    found = dict.fromkeys(text for value in values[:FIELDS] for text in map(_text, _ids(value)))
    found |= dict.fromkeys(text for value in replied[:FIELDS] for text in _replied(value, people))
    found.pop("", None)
    found.pop(own, None)
    ids = list(found)
    return tuple(ids if len(ids) <= LIMIT else [ids[0], *ids[-LIMIT + 1 :]])


def _ids(value: bytes) -> list[bytes]:
    """Ids in brackets; where there are none, the words with an @."""
    value = value[:VALUE_CAP]
    if b"<" in value:
        return BRACKETED.findall(value)
    return [word for word in value.replace(b",", b" ").split() if b"@" in word]


def _replied(value: bytes, people: Iterable[str]) -> list[str]:
    """The ids of an In-Reply-To value, from which addresses of people are told apart when there is prose in it."""
    value = value[:VALUE_CAP]
    one = ONE.fullmatch(value)
    if one:
        return [_text(one[1])]
    ids = [text for text in map(_text, _ids(value)) if text]
    prose = COMMENT.sub(b"", BRACKETED.sub(b"", value)) if b"<" in value else value
    if len(prose.split()) <= (0 if b"<" in value else 1):
        return ids
    if b"<" not in value:
        return []
    known = {address.lower() for address in people}
    numbered = [text for text in ids if text.lower() not in known and any(map(str.isdigit, text.partition("@")[0]))]
    return numbered or [text for text in ids[-1:] if text.lower() not in known]


def _text(identifier: bytes) -> str:
    """An id as text: blanks and folds removed, raw 8-bit bytes read as UTF-8 or else Latin-1."""
    joined = b"".join(identifier.split()).replace(b"\0", b"")
    try:
        return joined.decode()[:CAP]
    except UnicodeDecodeError:
        return joined.decode("latin-1")[:CAP]
