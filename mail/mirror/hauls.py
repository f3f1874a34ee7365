"""What the server hands out, batch by batch, read as far as that needs no database."""

import logging
import queue
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings

from mail import store
from mail.imap.session import MailSession
from mail.mirror.aside import aside
from mail.mirror.breath import Breath
from mail.mirror.reading import packed, read
from mail.mirror.room import IN_FLIGHT
from mail.mirror.turn import Turn
from mail.raw import Packed
from mail.sync.visit import ENTRIES, LARGE, batches, room
from mail.types import Arrival, Entry, Fetched, FolderFailed, NoRoom, message_key
from mail.types import message_id as derive_id

log = logging.getLogger(__name__)

REFUSALS = 3  # single messages refused in a row that make it the folder's failure, not theirs


@dataclass(slots=True)
class Haul:
    """One batch: the UIDs asked for, in order, and what came of them. `known`: copies of messages that the mirror has,
    by the server's own ids; `reason`: why others did not come; `room`: what to give back to IN_FLIGHT; `large`: it is
    one message, fetched in pieces; `sparing`: of a message over the cap no structure is asked for; `ordered`: the
    server was asked for it while it was busy with another; `contents`: of all arrivals, being compressed."""

    uids: list[int]
    arrivals: list[Arrival] = field(default_factory=list)
    known: dict[int, Arrival] = field(default_factory=dict)
    reason: str = "the server listed the message and did not hand it out"
    room: int = 0
    headers_only: bool = False
    large: bool = False
    sparing: bool = False
    ordered: bool = False
    contents: "Future[Packed] | None" = None

    @property
    def wanted(self) -> list[int]:
        """What the server is asked for."""
        return [uid for uid in self.uids if uid not in self.known]

    def drop(self) -> None:
        """Nobody needs it any more. Its mail goes at once: who waits for the next haul still holds this one."""
        self.arrivals, self.contents = [], None
        IN_FLIGHT.give(self.room)
        self.room = 0


@dataclass(slots=True)
class Sizes:
    """What is asked of messages before they are batched. `told`: by the server, of those that exist; None as long as
    it was not asked."""

    uids: Sequence[int]
    told: list[Entry] | None = None

    def drop(self) -> None:
        """It holds nothing."""


Job = Haul | Sizes


def entries(turn: Turn, uids: Sequence[int]) -> Iterator[tuple[list[Entry], bool]]:
    """Batches of the messages in the given order, and whether they are too large to be fetched whole. Sizes are ordered
    before the last batch that is known already."""
    for start in range(0, len(uids), ENTRIES):
        chunk, following = uids[start : start + ENTRIES], uids[start + ENTRIES : start + 2 * ENTRIES]
        *most, last = in_batches(chunk, turn.session.entries(chunk))
        yield from most
        if following:
            turn.session.order_entries(following)
        yield last


def in_batches(uids: Sequence[int], told: Sequence[Entry]) -> list[tuple[list[Entry], bool]]:
    """The same of messages of which this is told."""
    found = {entry.uid: entry for entry in told}
    known = [found.get(uid) or Entry(uid, 0) for uid in uids]
    return list(batches(known, settings.SYNCFARM_MAX_MESSAGE_BYTES))


def hauls(turn: Turn, uids: Sequence[int], until: Callable[[], bool] = lambda: False) -> Iterator[Haul]:
    """Every batch; the next one is ordered before this one is read, so that the server is never idle.

    Stops when the turn's time is up, or somebody says so, but makes one in any case: a mailbox must get ahead however
    slow its server is. Raises FolderFailed, ConnectionFailed.
    """
    waiting: deque[Haul] = deque()
    made = False
    try:
        for batch, too_large in entries(turn, uids):
            if made and (turn.is_over() or until()):
                break
            while (haul := begun(turn, batch, headers_only=too_large, wait=not waiting)) is None:
                yield _fill(turn, waiting.popleft())
            waiting.append(haul)
            made = True
            if len(waiting) > 1:
                yield _fill(turn, waiting.popleft(), following=waiting[0])
        while waiting:
            yield _fill(turn, waiting.popleft())
    finally:
        for haul in waiting:
            haul.drop()


def filled(turn: Turn, given: "queue.Queue[Job | None]") -> Iterator[Job]:
    """Each job that is given until there is None, the next batch ordered ahead if it is there by then. Raises
    FolderFailed, ConnectionFailed."""
    following = given.get()
    while (job := following) is not None:
        try:
            following = given.get_nowait()
        except queue.Empty:
            yield _done(turn, job, None)
            following = given.get()
        else:
            yield _done(turn, job, following)


def _done(turn: Turn, job: Job, following: Job | None) -> Job:
    if isinstance(job, Haul):
        return _fill(turn, job, following if isinstance(following, Haul) else None)
    job.told = turn.session.entries(job.uids)
    return job


def begun(turn: Turn, batch: Sequence[Entry], *, headers_only: bool, wait: bool) -> Haul | None:
    """A batch to be fetched. None: there is no room for it; who has some may not `wait` for more, or all would."""
    octets = 0 if headers_only else room(batch)
    granted = IN_FLIGHT.take(octets) if wait else IN_FLIGHT.take_now(octets)
    if granted is None:
        return None
    large = not headers_only and batch[0].size > LARGE
    haul = Haul([entry.uid for entry in batch], room=granted, headers_only=headers_only, large=large)
    try:
        haul.known = _known_by_provider_id(turn.account_id, batch)
    except BaseException:
        haul.drop()
        raise
    return haul


def fetch(turn: Turn, batch: Sequence[Entry], *, headers_only: bool) -> Haul:
    """What the server hands out of these, after it failed at them or others: no more is asked for than need be."""
    haul = begun(turn, batch, headers_only=headers_only, wait=True)
    assert haul is not None, "it was waited for"
    haul.sparing = True
    return _fill(turn, haul)


def _fill(turn: Turn, haul: Haul, following: Haul | None = None) -> Haul:
    """Take what the server hands out. If it fails at one message, the others are asked for one by one. The following
    one is ordered once this one comes: of two that it finds waiting, Dovecot makes one."""
    wanted = haul.wanted
    try:
        try:
            _take(turn, haul, wanted, following)
            if haul.ordered:  # what went wrong with it may have been told in the answer to another
                _take(turn, haul, _missing(haul, wanted))
        except FolderFailed as error:
            log.info("account %s: batch refused, fetching singly: %s", turn.account_id, error)
            haul.reason = str(error)
            _take_singly(turn, haul, wanted)
    except NoRoom as error:  # others are smaller, and this one is asked for again, as any gap
        log.warning("account %s: %s", turn.account_id, error)
        haul.reason = str(error)
    except BaseException:
        haul.drop()
        raise
    haul.contents = aside(packed, haul.arrivals)
    return haul


def _take_singly(turn: Turn, haul: Haul, uids: list[int]) -> None:
    """Those that did not come. After REFUSALS in a row the server is busy or over quota, and that is not the messages'
    fault: if it gave none at all the folder has failed, else the rest are gaps, asked for later."""
    refused = 0
    for uid in _missing(haul, uids):
        try:
            _take(turn, haul, [uid])
            refused = 0
        except FolderFailed as error:
            haul.reason = str(error)
            refused += 1
            if refused >= REFUSALS and not haul.arrivals:
                raise
            if refused >= REFUSALS:
                return


def _missing(haul: Haul, uids: list[int]) -> list[int]:
    came = {arrival.uid for arrival in haul.arrivals}
    return [uid for uid in uids if uid not in came]


def _take(turn: Turn, haul: Haul, uids: list[int], following: Haul | None = None) -> None:
    asked = set(uids)
    breath = Breath()
    if not asked:
        return
    for message in _messages(turn.session, haul, uids):
        if following is not None and not following.large:
            turn.session.order_bodies(following.wanted, headers_only=following.headers_only)
            following.ordered = True
            following = None
        if message.raw is not None and message.uid in asked:
            asked.discard(message.uid)  # a server may send one twice
            haul.arrivals.append(read(turn.account_id, message))
            breath.take()  # whoever waits for a row of the batch before, or for another server


def _messages(session: MailSession, haul: Haul, uids: Sequence[int]) -> Iterator[Fetched]:
    if haul.large:
        return session.large(uids[0])
    if haul.headers_only and haul.sparing:
        return session.headers(uids)
    return session.bodies(uids, headers_only=haul.headers_only)


def _known_by_provider_id(account_id: UUID, batch: Sequence[Entry]) -> dict[int, Arrival]:
    """Copies that the mirror has already, where the server's ids tell so: only their place is new."""
    ids = {entry.uid: derive_id(account_id, message_key(entry.email_id, b"")) for entry in batch if entry.email_id}
    known = store.known_messages(ids.values()) if ids else {}
    return {
        entry.uid: Arrival(entry.uid, found.message, entry.flags, found.received_at)
        for entry in batch
        if entry.uid in ids and (found := known.get(ids[entry.uid])) and found.is_stored
    }
