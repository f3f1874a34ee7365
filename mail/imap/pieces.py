"""One large message in pieces (RFC 3501 §6.4.5), into a temporary file: no more than a piece is in memory.

Where the answers are not what the RFC says there is no message, and whoever asked asks for it whole.
"""

import hashlib
import re
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence

from mail.imap import fetching
from mail.imap.reader import MAX_LITERAL, Data, Status
from mail.imap.regular import Items
from mail.imap.wire import Command, CommandRefused
from mail.spool import Spool
from mail.types import Fetched, NoRoom

PARTIAL = "BODY[]<>"  # how mail.imap.offer knows it; an extension has the name PARTIAL (RFC 9394)
PIECE = 1024 * 1024  # octets
_AT_ONCE = 4  # pieces that the server is asked for together, so that it is not idle between them
_MOMENT = 1e-6  # seconds; gevent does not look at sockets at sleep(0)

_ORIGIN = re.compile(rb"BODY\[\](?:<(\d{1,10})>)?")

Ask = Callable[..., Iterator[tuple[int, Items]]]
AskAll = Callable[[Sequence[Command]], Iterator[list[Data | Status] | CommandRefused]]


def fetched(uid: int, ask: Ask, ask_all: AskAll) -> Fetched | None:
    """The message with its digest; None where the server's pieces do not make one.

    `ask`: UID FETCH of items; `ask_all`: commands, answered in their order. Raises CommandRefused and NoRoom.
    """
    facts = _facts(ask(b"%d" % uid, [b"UID FLAGS INTERNALDATE RFC822.SIZE", _section(0)], ids=True), uid)
    first = facts.raw if facts else None
    if facts is None or not isinstance(first, bytes):
        return None
    with Spool() as spool:
        gathered = _Gathered(spool)
        gathered.add(first)
        while not gathered.broken and not gathered.is_whole(facts.size):
            gathered.take(uid, gathered.wanted(facts.size), ask_all)
            time.sleep(_MOMENT)  # others of the process: who reads what has arrived waits for nothing
        if gathered.broken:
            return None
        return facts._replace(size=facts.size or spool.size, raw=spool.octets(), digest=gathered.hash.digest())


def _facts(answers: Iterable[tuple[int, Items]], uid: int) -> Fetched | None:
    """What is told of the message, with its first piece as `raw`. All answers are read, so that the line is in step."""
    found = None
    for answered, items in answers:
        piece = _pieces(items).get(0) if answered == uid else None
        if piece is not None and found is None:
            told = fetching.fetched(uid, {**items, b"BODY[]": piece}, complete=True)
            found = told and told._replace(size=fetching.number(items.get(b"RFC822.SIZE")))
    return found


class _Gathered:
    """What came so far. `broken`: the pieces do not fit together; `short`: one had fewer octets than asked for;
    `ended`: one had none."""

    def __init__(self, spool: Spool) -> None:
        self.spool = spool
        self.hash = hashlib.sha256()
        self.broken = self.short = self.ended = False

    def is_whole(self, size: int) -> bool:
        """Whether nothing is left to ask for. A short piece is the last one if the message has its `size` by then;
        where that is wrong, or the server gives less than it is asked for, the next piece tells."""
        return self.ended or (self.short and self.spool.size == size)

    def wanted(self, size: int) -> list[int]:
        """Where the next pieces begin."""
        at = self.spool.size
        return [at] if self.short else list(range(at, max(size, at + 1), PIECE))[:_AT_ONCE]

    def add(self, piece: bytes | None) -> None:
        """The next piece, None where it did not come. Raises NoRoom."""
        fits = piece is not None and len(piece) <= PIECE and not (piece and (self.short or self.ended))
        self.broken |= not fits or self.spool.size > MAX_LITERAL
        if piece is None or self.broken:
            return
        self.short |= len(piece) < PIECE
        self.ended |= not piece
        self.hash.update(piece)
        self.spool.write(piece)

    def take(self, uid: int, places: Sequence[int], ask_all: AskAll) -> None:
        """Ask for pieces. All answers are read, whatever is in them, so that the line is in step.

        Raises CommandRefused and NoRoom."""
        trouble: CommandRefused | NoRoom | None = None
        commands = [(b"UID FETCH", b"%d" % uid, b"(UID %s)" % _section(at)) for at in places]
        waiting = deque(places)
        came: dict[int, bytes | None] = {}
        for answer in ask_all(commands):
            if isinstance(answer, CommandRefused):
                trouble = trouble or answer
                continue
            for items in _answered(answer, uid):
                came |= _pieces(items)
            while waiting and waiting[0] in came:
                piece = came.pop(waiting.popleft())
                trouble = trouble or self._try_to_add(piece)
        self.broken |= bool(waiting)
        if trouble is not None:
            raise trouble

    def _try_to_add(self, piece: bytes | None) -> NoRoom | None:
        try:
            self.add(piece)
        except NoRoom as error:
            return error
        return None


def _section(at: int) -> bytes:
    return b"BODY.PEEK[]<%d.%d>" % (at, PIECE)


def _answered(answer: Iterable[Data | Status], uid: int) -> Iterator[Items]:
    told = (fetching.items_of(response) for response in answer)
    return (items for each, items in told if each == uid)


def _pieces(items: Items) -> dict[int, bytes | None]:
    """Pieces by where they begin, as the answer says: Dovecot answers commands that come together all at once."""
    told = ((_ORIGIN.fullmatch(name), octets) for name, octets in items.items())
    return {int(name[1] or 0): octets if isinstance(octets, bytes) else None for name, octets in told if name}
