"""What the server hands out, batch by batch, read as far as that needs no database."""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings

from mail import store
from mail.mirror.aside import aside
from mail.mirror.breath import Breath
from mail.mirror.reading import packed, read
from mail.mirror.room import IN_FLIGHT
from mail.mirror.turn import Turn
from mail.raw import Packed
from mail.sync.visit import ENTRIES, LARGE, batches, room
from mail.types import Arrival, Entry, FolderFailed, NoRoom, message_key
from mail.types import message_id as derive_id

log = logging.getLogger(__name__)

REFUSALS = 3  # single messages refused in a row that make it the folder's failure, not theirs


@dataclass(slots=True)
class Haul:
    """One batch: the UIDs asked for, in order, and what came of them. `known`: copies of messages that the mirror has,
    by the server's own ids; `reason`: why others did not come. `room`: what to give back to IN_FLIGHT; `contents`: of
    all arrivals, being compressed; `large`: it is one message, fetched in pieces."""

    uids: list[int]
    arrivals: list[Arrival] = field(default_factory=list)
    known: dict[int, Arrival] = field(default_factory=dict)
    reason: str = "the server listed the message and did not hand it out"
    room: int = 0
    contents: "Future[Packed] | None" = None
    large: bool = False

    def drop(self) -> None:
        """Nobody needs it any more. Its mail goes at once: who waits for the next haul still holds this one."""
        self.arrivals, self.contents = [], None
        IN_FLIGHT.give(self.room)
        self.room = 0


def entries(turn: Turn, uids: Sequence[int]) -> Iterator[tuple[list[Entry], bool]]:
    """Batches of the messages in the given order, and whether they are too large to be fetched whole."""
    for start in range(0, len(uids), ENTRIES):
        chunk = uids[start : start + ENTRIES]
        told = {entry.uid: entry for entry in turn.session.entries(chunk)}
        yield from batches([told.get(uid, Entry(uid, 0)) for uid in chunk], settings.SYNCFARM_MAX_MESSAGE_BYTES)


def hauls(turn: Turn, uids: Sequence[int]) -> Iterator[Haul]:
    """Every batch. Stops when the turn's time is up, but makes one in any case: a mailbox must get ahead however slow
    its server is. Raises FolderFailed, ConnectionFailed."""
    made = False
    for batch, too_large in entries(turn, uids):
        if made and turn.is_over():
            return
        yield fetch(turn, batch, headers_only=too_large)
        made = True


def fetch(turn: Turn, batch: Sequence[Entry], *, headers_only: bool) -> Haul:
    """What the server hands out of these. If it fails at one message, the others are asked for one by one."""
    haul = Haul([entry.uid for entry in batch], large=not headers_only and batch[0].size > LARGE)
    haul.room = IN_FLIGHT.take(0 if headers_only else room(batch))
    try:
        haul.known = _known_by_provider_id(turn.account_id, batch)
        wanted = [uid for uid in haul.uids if uid not in haul.known]
        try:
            _take(turn, haul, wanted, headers_only=headers_only)
        except FolderFailed as error:
            log.info("account %s: batch refused, fetching singly: %s", turn.account_id, error)
            haul.reason = str(error)
            _take_singly(turn, haul, wanted, headers_only=headers_only)
    except NoRoom as error:  # others are smaller, and this one is asked for again, as any gap
        log.warning("account %s: %s", turn.account_id, error)
        haul.reason = str(error)
    except BaseException:
        haul.drop()
        raise
    haul.contents = aside(packed, haul.arrivals)
    return haul


def _take_singly(turn: Turn, haul: Haul, uids: list[int], *, headers_only: bool) -> None:
    """Those that did not come. After REFUSALS in a row the server is busy or over quota, and that is not the messages'
    fault: if it gave none at all the folder has failed, else the rest are gaps, asked for later."""
    came = {arrival.uid for arrival in haul.arrivals}
    refused = 0
    for uid in uids:
        if uid in came:
            continue
        try:
            _take(turn, haul, [uid], headers_only=headers_only)
            refused = 0
        except FolderFailed as error:
            haul.reason = str(error)
            refused += 1
            if refused >= REFUSALS and not haul.arrivals:
                raise
            if refused >= REFUSALS:
                return


def _take(turn: Turn, haul: Haul, uids: list[int], *, headers_only: bool) -> None:
    asked = set(uids)
    breath = Breath()
    if not asked:
        return
    session = turn.session
    for message in session.large(uids[0]) if haul.large else session.bodies(uids, headers_only=headers_only):
        if message.raw is not None and message.uid in asked:
            asked.discard(message.uid)  # a server may send one twice
            haul.arrivals.append(read(turn.account_id, message))
            breath.take()  # whoever waits for a row of the batch before, or for another server


def _known_by_provider_id(account_id: UUID, batch: Sequence[Entry]) -> dict[int, Arrival]:
    """Copies that the mirror has already, where the server's ids tell so: only their place is new."""
    ids = {entry.uid: derive_id(account_id, message_key(entry.email_id, b"")) for entry in batch if entry.email_id}
    known = store.known_messages(ids.values()) if ids else {}
    return {
        entry.uid: Arrival(entry.uid, ids[entry.uid], entry.flags, known[ids[entry.uid]].received_at)
        for entry in batch
        if entry.uid in ids and (found := known.get(ids[entry.uid])) and found.is_stored
    }
