"""Changing flags on the server: SELECT, then UID STORE (RFC 3501 §6.3.1, §6.4.6)."""

from collections.abc import Iterable, Iterator, Sequence

from mail.imap import fetching, names, uidsets
from mail.imap.reader import Data, Status
from mail.imap.wire import CommandRefused, Wire
from mail.types import ChangeRefused, FlagChange

# Nothing but another answer of the server's makes these go through (RFC 5530 §3). NONEXISTENT is told apart before.
_FOR_GOOD = frozenset({b"NOPERM", b"CANNOT", b"READ-ONLY", b"CLIENTBUG"})


def selected(wire: Wire, name: bytes | names.Literal) -> int:
    """Open a folder to be changed, and return its UIDVALIDITY, 0 where none is told. Raises CommandRefused."""
    told = (response for response in wire.run(b"SELECT", name) if isinstance(response, Status))
    return max((fetching.number(status.argument) for status in told if status.code == b"UIDVALIDITY"), default=0)


def stored(wire: Wire, changes: Sequence[FlagChange]) -> dict[int, frozenset[str]]:
    """Make the changes in the selected folder; the flags of messages as the server tells them then, which it need not
    of all. Raises CommandRefused: some may have been made."""
    flags: dict[int, frozenset[str]] = {}
    for change in changes:
        item = b"+FLAGS" if change.add else b"-FLAGS"
        for chunk in uidsets.chunks(change.uids):
            answer = wire.run(b"UID STORE", chunk, item, b"(%s)" % change.flag.encode("ascii"))
            flags.update(_told(answer))
    return flags


def _told(responses: Iterable[Data | Status]) -> Iterator[tuple[int, frozenset[str]]]:
    for response in responses:
        uid, items = fetching.items_of(response)
        if uid and fetching.tells_flags(items):
            yield uid, fetching.flags(items)


def as_refusal(refused: CommandRefused, folder: str) -> ChangeRefused:
    """The server's NO or BAD to a change in a folder."""
    permanent = not refused.understood or refused.code in _FOR_GOOD
    return ChangeRefused(f"The server refuses the change in {folder}: {refused}", permanent=permanent)
