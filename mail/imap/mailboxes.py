"""Making, renaming and deleting folders (RFC 3501 §6.3.3 to §6.3.7)."""

import contextlib
import re
from collections.abc import Iterable

from mail.imap import fetching, names
from mail.imap.offer import Offer
from mail.imap.reader import Data
from mail.imap.wire import CommandRefused
from mail.types import NewFolder

_THERE = re.compile(r"\bexists?\b", re.IGNORECASE)
_NOT_THERE = re.compile(r"(doesn't|does not|not) exist", re.IGNORECASE)


def created(offer: Offer, wire_name: str) -> NewFolder | None:
    """Make a folder; None: there is one already. Raises CommandRefused."""
    try:
        offer.wire.run(b"CREATE", names.quote(wire_name))
    except CommandRefused as refused:
        if not says_there(refused):
            raise
        return None
    _subscribe(offer, come=[wire_name])
    return _beginning(offer, wire_name)


def _beginning(offer: Offer, wire_name: str) -> NewFolder:
    with contextlib.suppress(CommandRefused):
        for response in offer.wire.run(b"STATUS", names.quote(wire_name), b"(MESSAGES UIDNEXT UIDVALIDITY)"):
            if isinstance(response, Data) and response.kind == b"STATUS" and len(response.items) >= 2:
                told = fetching.pairs(response.items[1])
                if told.get(b"MESSAGES") == b"0":
                    return NewFolder(fetching.number(told.get(b"UIDVALIDITY")), fetching.number(told.get(b"UIDNEXT")))
    return NewFolder()


def renamed(offer: Offer, wire_name: str, target: str, below: Iterable[tuple[str, str]]) -> None:
    """Rename a folder; `below`: the old and the new names of those below it, which follow. Raises CommandRefused."""
    leave(offer)
    offer.wire.run(b"RENAME", names.quote(wire_name), names.quote(target))
    old, new = zip((wire_name, target), *below, strict=True)
    _subscribe(offer, come=new, gone=old)


def deleted(offer: Offer, wire_name: str) -> None:
    """Delete a folder with the mail in it. Raises CommandRefused."""
    leave(offer)
    offer.wire.run(b"DELETE", names.quote(wire_name))
    _subscribe(offer, gone=[wire_name])


def personal_prefix(offer: Offer) -> str:
    """What all names of this mailbox begin with but INBOX, as a wire name (RFC 2342); "" if nothing is told."""
    if not offer.has("NAMESPACE"):
        return ""
    with contextlib.suppress(CommandRefused):
        for response in offer.wire.run(b"NAMESPACE"):
            if isinstance(response, Data) and response.kind == b"NAMESPACE" and response.items:
                return _prefix(response.items[0])
    return ""


def _prefix(personal: object) -> str:
    first = personal[0] if isinstance(personal, list) and personal else None
    prefix = first[0] if isinstance(first, list) and first else None
    return prefix.decode("latin-1") if isinstance(prefix, bytes) else ""


def leave(offer: Offer) -> None:
    """Have no folder selected that is about to go. Not by CLOSE: that expunges what others marked as deleted."""
    with contextlib.suppress(CommandRefused):  # none is selected
        if offer.has("UNSELECT"):
            offer.wire.run(b"UNSELECT")
        else:
            offer.wire.run(b"EXAMINE", b'"INBOX"')


def says_there(refused: CommandRefused) -> bool:
    """Whether a name was refused because it is taken; older servers send no code (RFC 5530)."""
    if refused.code:
        return refused.code == b"ALREADYEXISTS"
    return refused.understood and bool(_THERE.search(refused.text)) and not _NOT_THERE.search(refused.text)


def _subscribe(offer: Offer, come: Iterable[str] = (), gone: Iterable[str] = ()) -> None:
    """So that programs which show what is subscribed go on showing it. A refusal is none of the change's."""
    commands = [(b"UNSUBSCRIBE", names.quote(name)) for name in gone]
    commands += [(b"SUBSCRIBE", names.quote(name)) for name in come]
    for _answer in offer.wire.run_all(commands):
        pass
