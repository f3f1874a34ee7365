"""Asking about the selected folder, in the ways that the server may know, perhaps before the answer is needed."""

from collections.abc import Collection, Iterator, Sequence

from mail.imap import fetching, names, uidsets
from mail.imap.offer import Offer, Way
from mail.imap.orders import Early
from mail.imap.reader import Data, Status
from mail.imap.regular import Items
from mail.imap.wire import Command, CommandRefused
from mail.types import SyncPoint

ENTRY = (b"UID FLAGS RFC822.SIZE",)
BODY = (b"UID FLAGS INTERNALDATE RFC822.SIZE", b"BODY.PEEK[]")
HEADER = (b"UID FLAGS INTERNALDATE RFC822.SIZE", b"BODY.PEEK[HEADER]")
TOLD = {ENTRY: b"RFC822.SIZE", BODY: b"BODY[]", HEADER: b"BODY[HEADER]"}  # what of each nobody sends unasked


class Asking:
    """Asks one session's server. Everything here raises CommandRefused or ConnectionFailed."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._early = Early()

    def responses(self, *ways: Way) -> Iterator[Data | Status]:
        """Those to the first way that works; those to what was ordered may be among them."""
        for response in self._offer.ask(*ways):
            self._note(response)
            yield response

    def all(self, commands: Sequence[Command]) -> Iterator[list[Data | Status] | CommandRefused]:
        """The responses to each command or its refusal, in order, for few round trips."""
        for answer in self._offer.wire.run_all(commands):
            for response in answer if isinstance(answer, list) else ():
                self._note(response)
            yield answer

    def _note(self, response: Data | Status) -> None:
        uid, items = fetching.items_of(response)
        if uid:
            self._early.note(uid, items)

    def fetch(self, uids: bytes, items: Sequence[bytes], *, ids: bool = False) -> Iterator[tuple[int, Items]]:
        """(uid, items) of each response; `ids`: with the provider's ids, where offered."""
        for response in self.responses(*self._ways_to_fetch(uids, items, ids=ids)):
            uid, answered = fetching.items_of(response)
            if uid:
                yield uid, answered

    def fetched(self, uids: Collection[int], items: tuple[bytes, ...]) -> Iterator[tuple[int, Items]]:
        """What came of these by now, and then what else comes, ids among the items."""
        chunks = list(uidsets.chunks(uids))
        yield from self._early.taken(TOLD[items], list(uids))
        for chunk in chunks:
            yield from self.fetch(chunk, items, ids=True)

    def order(self, uids: Collection[int], items: tuple[bytes, ...]) -> None:
        """Have the server begin with what `fetched` is going to be asked for. Never fails."""
        self._early.expect(TOLD[items], uids)
        for chunk in uidsets.chunks(uids):
            self._offer.order(*self._ways_to_fetch(chunk, items, ids=True))

    def forget_orders(self) -> None:
        """The folder is left: what was ordered is not asked for any more."""
        self._early.forget()
        self._offer.wire.forget_orders()

    def _ways_to_fetch(self, uids: bytes, items: Sequence[bytes], *, ids: bool) -> list[Way]:
        """The ids stand behind the first of the items."""
        first, others = items[0], b"".join(b" " + item for item in items[1:])
        if ids and self._offer.has("X-GM-EXT-1"):
            return [("", (b"UID FETCH", uids, b"(%s X-GM-MSGID X-GM-THRID%s)" % (first, others)))]
        ways: list[Way] = [("", (b"UID FETCH", uids, b"(%s%s)" % (first, others)))]
        if ids:
            ways.insert(0, ("OBJECTID", (b"UID FETCH", uids, b"(%s EMAILID THREADID%s)" % (first, others))))
        return ways


def to_examine(offer: Offer, name: bytes | names.Literal, known: SyncPoint | None) -> list[Way]:
    """EXAMINE, so that MODSEQs are told; `known`: so that QRESYNC tells what changed since."""
    ways: list[Way] = [("", (b"EXAMINE", name))]
    if offer.strategy != "full":
        ways.insert(0, ("CONDSTORE", (b"EXAMINE", name, b"(CONDSTORE)")))
    if known:
        parameter = b"(QRESYNC (%d %d))" % (known.uidvalidity, known.highestmodseq)
        ways.insert(0, ("QRESYNC", (b"EXAMINE", name, parameter)))
    return ways
