"""Asking about the selected folder, in the ways that the server may know, perhaps before the answer is needed."""

from collections.abc import Collection, Iterable, Iterator, Sequence

from mail.imap import fetching, names, offer, uidsets
from mail.imap.offer import Offer, Way
from mail.imap.orders import Early
from mail.imap.reader import Data, Status
from mail.imap.regular import Items
from mail.imap.wire import Command, CommandRefused
from mail.types import SyncPoint

ENTRY = (b"UID FLAGS RFC822.SIZE",)
BODY = (b"UID FLAGS INTERNALDATE RFC822.SIZE", b"BODY.PEEK[]")
HEADER = (b"UID FLAGS INTERNALDATE RFC822.SIZE", b"BODY.PEEK[HEADER]")
STRUCTURE = b"BODYSTRUCTURE"  # may be missing in an answer
STRUCTURED = (HEADER[0], STRUCTURE, HEADER[1])
# What of each nobody sends unasked.
TOLD = {ENTRY: b"RFC822.SIZE", BODY: b"BODY[]", HEADER: b"BODY[HEADER]", STRUCTURED: b"BODY[HEADER]"}


class Asking:
    """Asks one session's server. Everything here raises CommandRefused or ConnectionFailed."""

    def __init__(self, offer: Offer) -> None:
        self._offer = offer
        self._early = Early()
        self._unstructured: set[int] = set()  # whose structure was asked for and has not come

    @property
    def failed(self) -> frozenset[str]:
        """The structure of messages, if what came for it was not IMAP."""
        return frozenset({offer.STRUCTURE} if self._unstructured and self._offer.wire.garbled else ())

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

    def _note(self, response: Data | Status) -> tuple[int, Items]:
        uid, items = fetching.items_of(response)
        if uid:
            self._early.note(uid, items)
            if self._unstructured and TOLD[STRUCTURED] in items:
                self._unstructured.discard(uid)
        return uid, items

    def fetch(self, uids: bytes, items: Sequence[bytes], *, ids: bool = False) -> Iterator[tuple[int, Items]]:
        """(uid, items) of each response; `ids`: with the provider's ids, where offered."""
        for response in self._offer.ask(*self._ways_to_fetch(uids, items, ids=ids)):
            uid, answered = self._note(response)
            if uid:
                yield uid, answered

    def fetched(self, uids: Collection[int], items: tuple[bytes, ...]) -> Iterator[tuple[int, Items]]:
        """What came of these by now, and then what else comes, ids among the items."""
        chunks = list(uidsets.chunks(uids))
        self._expect_structures(uids, items)
        yield from self._early.taken(TOLD[items], list(uids))
        for chunk in chunks:
            yield from self.fetch(chunk, items, ids=True)
        self._unstructured.difference_update(uids)

    def order(self, uids: Collection[int], items: tuple[bytes, ...]) -> None:
        """Have the server begin with what `fetched` is going to be asked for. Never fails."""
        self._early.expect(TOLD[items], uids)
        self._expect_structures(uids, items)
        for chunk in uidsets.chunks(uids):
            self._offer.order(*self._ways_to_fetch(chunk, items, ids=True))

    def forget_orders(self) -> None:
        """The folder is left: what was ordered is not asked for any more."""
        self._early.forget()
        self._offer.wire.forget_orders()
        self._unstructured.clear()

    def _expect_structures(self, uids: Iterable[int], items: Sequence[bytes]) -> None:
        if STRUCTURE in items and self._offer.has(offer.STRUCTURE):
            self._unstructured.update(uids)

    def _ways_to_fetch(self, uids: bytes, items: Sequence[bytes], *, ids: bool) -> list[Way]:
        """The ids stand behind the first of the items. The structure is given up before they are."""
        first, *others = items
        sparing = [(extension, [first, *more, *others]) for extension, more in self._ids(wanted=ids)]
        ways = [(extension, [item for item in listed if item != STRUCTURE]) for extension, listed in sparing]
        if STRUCTURE in items:
            ways.insert(0, (offer.STRUCTURE, sparing[0][1]))
        return [(extension, (b"UID FETCH", uids, b"(%s)" % b" ".join(listed))) for extension, listed in ways]

    def _ids(self, *, wanted: bool) -> list[tuple[str, list[bytes]]]:
        """What the provider's ids are asked by: the extension that is needed and the items, the best way first."""
        if wanted and self._offer.has("X-GM-EXT-1"):
            return [("", [b"X-GM-MSGID X-GM-THRID"])]
        objectid = [("OBJECTID", [b"EMAILID THREADID"])] if wanted and self._offer.has("OBJECTID") else []
        return [*objectid, ("", [])]


def to_examine(offer: Offer, name: bytes | names.Literal, known: SyncPoint | None) -> list[Way]:
    """EXAMINE, so that MODSEQs are told; `known`: so that QRESYNC tells what changed since."""
    ways: list[Way] = [("", (b"EXAMINE", name))]
    if offer.strategy != "full":
        ways.insert(0, ("CONDSTORE", (b"EXAMINE", name, b"(CONDSTORE)")))
    if known:
        parameter = b"(QRESYNC (%d %d))" % (known.uidvalidity, known.highestmodseq)
        ways.insert(0, ("QRESYNC", (b"EXAMINE", name, parameter)))
    return ways
