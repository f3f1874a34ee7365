"""LIST and STATUS responses to folders (RFC 3501 §7.2.2, RFC 5258, RFC 5819)."""

import functools
from collections.abc import Generator, Iterable, Iterator, Mapping

from mail.imap import fetching, names, roles
from mail.imap.offer import Offer, Way, may_be_the_extension
from mail.imap.reader import Data, Status, Token
from mail.imap.regular import Items
from mail.imap.wire import CommandRefused
from mail.types import RemoteFolder

_NOT_SELECTABLE = {"\\noselect", "\\nonexistent"}
_MOMENTARY = {"\\marked", "\\unmarked"}  # they tell of new mail, not of the folder
_ORDINARY = 500  # octets of attributes and name; larger ones are not kept in memory
_COUNTS = b"MESSAGES UNSEEN UIDNEXT UIDVALIDITY"


def ask(offer: Offer) -> Iterator[Data | Status]:
    """LIST of everything, with STATUS in the same command where offered. Raises CommandRefused."""
    refused = False
    if offer.has("LIST-STATUS"):
        special = b"SPECIAL-USE " if offer.has("SPECIAL-USE") else b""
        _extension, items = _ways_to_count(offer)[0]
        try:
            yield from offer.wire.run(b'LIST "" "*" RETURN (CHILDREN %sSTATUS (%s))' % (special, items))
        except CommandRefused as refusal:  # one folder that cannot be opened makes some servers refuse it all
            refused = may_be_the_extension(refusal)
        else:
            return
    listed = list(offer.ask(*_ways_to_list(offer)))
    yield from listed
    complete = yield from _count_all(offer, [each.wire_name for each in folders(listed) if each.selectable])
    if refused and complete:
        offer.blame("LIST-STATUS")


def _ways_to_list(offer: Offer) -> list[Way]:
    if offer.has("SPECIAL-USE") and offer.has("LIST-EXTENDED"):
        return [("SPECIAL-USE", (b'LIST "" "*" RETURN (CHILDREN SPECIAL-USE)',)), ("", (b'LIST "" "*"',))]
    xlist: list[Way] = [] if offer.has("SPECIAL-USE") else [("XLIST", (b'XLIST "" "*"',))]
    return [*xlist, ("", (b'LIST "" "*"',))]


def _ways_to_count(offer: Offer) -> list[tuple[str, bytes]]:
    """(extension needed or "", items) for STATUS, best first."""
    ways = [("", _COUNTS)]
    if offer.has("CONDSTORE") or offer.has("QRESYNC"):
        ways.insert(0, ("CONDSTORE", _COUNTS + b" HIGHESTMODSEQ"))
    if offer.has("OBJECTID"):
        ways.insert(0, ("OBJECTID", ways[0][1] + b" MAILBOXID"))
    return ways


def _count_all(offer: Offer, wire_names: list[str]) -> Generator[Data | Status, None, bool]:
    """STATUS of each folder, in one volley; returns whether all were told at the first attempt.

    The counts of a folder that the server refuses stay unknown. It is asked for less where it does not understand.
    """
    suspects: list[str] = []
    waiting, complete = wire_names, True
    for extension, items in _ways_to_count(offer):
        asked, waiting = waiting, []
        commands = [(b"STATUS", names.quote(name), b"(%s)" % items) for name in asked]
        for name, answer in zip(asked, offer.wire.run_all(commands), strict=True):
            if not isinstance(answer, CommandRefused):
                yield from answer
                continue
            complete = False
            if not answer.understood:
                waiting.append(name)
        if len(waiting) < len(asked):
            offer.blame(*suspects)
        if not waiting:
            break
        suspects = [*suspects, extension] if len(waiting) == len(asked) else []
    return complete


def folders(responses: Iterable[Data | Status]) -> list[RemoteFolder]:
    """The folders among the responses, in the server's order, with the counts of those that have a STATUS.

    INBOX is case-insensitive (RFC 3501 §5.1): only its first spelling is kept. A name with NUL cannot be asked for.
    """
    listed: dict[bytes, list[Token]] = {}
    counts: dict[bytes, Items] = {}
    for response in responses:
        if isinstance(response, Status):
            continue
        if response.kind in {b"LIST", b"XLIST"} and len(response.items) >= 3:
            listed.setdefault(_key(response.items[2]), response.items)
        elif response.kind == b"STATUS" and len(response.items) >= 2:
            counts[_key(response.items[0])] = fetching.pairs(response.items[1])
    named = {key: _line(items) for key, items in listed.items() if b"\0" not in key}
    assigned = roles.assign([candidate for _wire, candidate in named.values()])
    return [
        _folder(wire, candidate, role, counts.get(key, {}))
        for (key, (wire, candidate)), role in zip(named.items(), assigned, strict=True)
    ]


def _line(items: list[Token]) -> tuple[str, roles.Candidate]:
    """What a LIST response says of a folder: its wire name, and all that its role depends on."""
    sent, delimiter, wire = items[0], items[1], _text(items[2])
    attributes = tuple(_text(each) for each in sent) if isinstance(sent, list) else ()
    read = _named if len(wire) + sum(map(len, attributes)) <= _ORDINARY else _named.__wrapped__
    return read(attributes, delimiter if isinstance(delimiter, bytes) and len(delimiter) <= 9 else None, wire)


@functools.lru_cache(maxsize=8192)  # it is the same at every look, and mostly for all accounts of a server
def _named(sent: tuple[bytes, ...], delimiter: bytes | None, wire: bytes) -> tuple[str, roles.Candidate]:
    words = [word.decode("utf-8", "replace").replace("\0", "\ufffd") for word in sent]
    attributes = frozenset(word for word in words if word.lower() not in _MOMENTARY)
    selectable = not any(attribute.lower() in _NOT_SELECTABLE for attribute in attributes)
    name = "INBOX" if _key(wire) == b"INBOX" else names.decode(wire)
    return wire.decode("latin-1"), roles.Candidate(name, _delimiter(delimiter), attributes, selectable)


def _folder(wire_name: str, listed: roles.Candidate, role: str, counts: Mapping[bytes, Token]) -> RemoteFolder:
    return RemoteFolder(
        wire_name=wire_name,
        name=listed.name,
        delimiter=listed.delimiter,
        attributes=listed.attributes,
        role=role,
        selectable=listed.selectable,
        messages=_count(counts, b"MESSAGES"),
        unseen=_count(counts, b"UNSEEN"),
        uidnext=_count(counts, b"UIDNEXT"),
        uidvalidity=_count(counts, b"UIDVALIDITY"),
        highestmodseq=_count(counts, b"HIGHESTMODSEQ"),
        mailbox_id=fetching.identifier(counts.get(b"MAILBOXID")),
    )


def _delimiter(sent: bytes | None) -> str:
    """One character, as it stands in names for people; "" where there are no levels, or what is sent is none."""
    read = names.decode(sent) if sent is not None else ""
    return read if len(read) == 1 and read != "\ufffd" else ""


def _key(wire: Token) -> bytes:
    text = _text(wire)
    return b"INBOX" if text.upper() == b"INBOX" else text


def _text(token: Token) -> bytes:
    """A name. A folder may be called NIL, and some servers do not quote it."""
    return token if isinstance(token, bytes) else b"NIL"


def _count(counts: Mapping[bytes, Token], key: bytes) -> int | None:
    value = counts.get(key)
    return fetching.number(value) if isinstance(value, bytes) else None
