"""Messages from the server into the mirror: sizes, bodies, gaps, one transaction a batch."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import psycopg2
from django.conf import settings
from django.db import DatabaseError
from django.utils import timezone

from mail import store
from mail.mirror.reading import assign_threads, read
from mail.mirror.turn import Turn
from mail.sync.schedule import gap_delay
from mail.sync.visit import ENTRIES, batches
from mail.types import Arrival, Entry, Fetched, FolderFailed, LocalFolder, message_key
from mail.types import message_id as derive_id

log = logging.getLogger(__name__)

CAUTION = 2  # failures in a row after which a folder's messages are asked for one by one
REFUSALS = 3  # single messages refused in a row that make it the folder's failure, not theirs
_HUNG_UP = "the server ended the connection when it was asked for this message"

Checkpoint = Callable[[Sequence[int]], dict[str, int]]  # UIDs of a batch, in order -> columns of the sync point


def copy(turn: Turn, folder: LocalFolder, uids: Sequence[int], checkpoint: Checkpoint) -> LocalFolder:
    """Copy messages in the given order. Every batch is one commit, with the checkpoint that follows from its UIDs.

    UIDs that the server lists and does not hand out become gaps. Stops when the turn's time is up, but makes one batch
    in any case: a mailbox must get ahead however slow its server is.
    """
    copied = False
    cautious = folder.failures >= CAUTION
    for start in range(0, len(uids), ENTRIES):
        chunk = uids[start : start + ENTRIES]
        told = {entry.uid: entry for entry in turn.session.entries(chunk)}
        entries = [told.get(uid, Entry(uid, 0)) for uid in chunk]
        for batch, too_large in batches(entries, settings.SYNCFARM_MAX_MESSAGE_BYTES):
            if copied and turn.is_over():
                return folder
            for part in [[entry] for entry in batch] if cautious else [batch]:
                if cautious:
                    folder = _note_gaps(turn, folder, part, checkpoint, _HUNG_UP)
                folder = _copy_batch(turn, folder, part, checkpoint, headers_only=too_large)
            copied = True
    return folder


def _note_gaps(
    turn: Turn, folder: LocalFolder, entries: list[Entry], checkpoint: Checkpoint, reason: str
) -> LocalFolder:
    """Record a gap before the message is asked for, and go past it: if the server hangs up, the next turn does not
    begin with it again."""
    again = {entry.uid: timezone.now() + gap_delay(1) for entry in entries}
    with turn.writing() as batch:
        store.record_gaps(batch, folder, again, reason)
        return store.checkpoint(batch, folder, **checkpoint([entry.uid for entry in entries]))


def _copy_batch(
    turn: Turn, folder: LocalFolder, entries: list[Entry], checkpoint: Checkpoint, *, headers_only: bool
) -> LocalFolder:
    known = _known_by_provider_id(turn.account_id, entries)
    haul = _fetch(turn, [entry.uid for entry in entries if entry.uid not in known], headers_only=headers_only)
    columns = checkpoint([entry.uid for entry in entries])
    uids = {entry.uid for entry in entries}
    try:
        return _store(turn, folder, uids, known, haul, columns)
    except (DatabaseError, psycopg2.Error, ValueError, OverflowError) as error:
        if not _is_about_the_data(error):
            raise
        log.exception("account %s: a batch cannot be stored, storing its messages singly", turn.account_id)
        return _store_singly(turn, folder, uids, known, haul, columns)


def _store(
    turn: Turn, folder: LocalFolder, uids: set[int], known: dict[int, Arrival], haul: "_Haul", columns: dict[str, int]
) -> LocalFolder:
    """One transaction: messages, threads, places, gaps for what did not come, and the checkpoint."""
    arrivals = [*known.values(), *read(turn.account_id, haul.fetched)]
    assignment = assign_threads(turn.account_id, haul.fetched, arrivals)
    came = {arrival.uid for arrival in arrivals}
    missed = uids - came
    tries = store.gap_attempts(folder, missed) if missed else {}
    with turn.writing() as batch:
        store.add_arrivals(batch, folder, arrivals, assignment)
        if folder.gaps:
            store.settle_gaps(batch, folder, came)
        again = {uid: timezone.now() + gap_delay(tries.get(uid, 0) + 1) for uid in missed}
        store.record_gaps(batch, folder, again, haul.reason)
        return store.checkpoint(batch, folder, **columns)


def _store_singly(
    turn: Turn, folder: LocalFolder, uids: set[int], known: dict[int, Arrival], haul: "_Haul", columns: dict[str, int]
) -> LocalFolder:
    """The same, message by message: one that no table takes becomes a gap, and the others are stored."""
    for message in haul.fetched:
        try:
            folder = _store(turn, folder, {message.uid}, {}, _Haul([message]), {})
        except (DatabaseError, psycopg2.Error, ValueError, OverflowError) as error:
            if not _is_about_the_data(error):
                raise
            log.exception("account %s folder %s: UID %d cannot be stored", turn.account_id, folder.id, message.uid)
            reason = f"the message cannot be stored: {error}"
            folder = _store(turn, folder, {message.uid}, {}, _Haul([], reason), {})
    stored = {message.uid for message in haul.fetched}
    return _store(turn, folder, uids - stored, known, _Haul([], haul.reason), columns)


def _is_about_the_data(error: Exception) -> bool:
    """Whether the database, or Python on the way to it, refuses what the message says, and would again."""
    cause = error.__cause__ if isinstance(error, DatabaseError) else error
    if not isinstance(cause, psycopg2.Error):
        return True
    code = cause.pgcode or ""
    return code[:2] in {"22", "54"}  # data exception, program limit exceeded


def _known_by_provider_id(account_id: UUID, entries: Sequence[Entry]) -> dict[int, Arrival]:
    """Copies that the mirror has already, where the server's ids tell so: only their place is new."""
    ids = {entry.uid: derive_id(account_id, message_key(entry.email_id, b"")) for entry in entries if entry.email_id}
    known = store.known_messages(ids.values()) if ids else {}
    return {
        entry.uid: Arrival(entry.uid, ids[entry.uid], entry.flags, known[ids[entry.uid]])
        for entry in entries
        if ids.get(entry.uid) in known
    }


@dataclass(slots=True)
class _Haul:
    fetched: list[Fetched] = field(default_factory=list)
    reason: str = "the server listed the message and did not hand it out"


def _fetch(turn: Turn, uids: list[int], *, headers_only: bool) -> _Haul:
    """What the server hands out of these. If it fails at one message, the others are asked for one by one."""
    haul = _Haul()
    try:
        haul.fetched.extend(_bodies(turn, uids, headers_only=headers_only))
    except FolderFailed as error:
        log.info("account %s: batch refused, fetching singly: %s", turn.account_id, error)
        haul.reason = str(error)
        _fetch_singly(turn, uids, haul, headers_only=headers_only)
    return haul


def _fetch_singly(turn: Turn, uids: list[int], haul: _Haul, *, headers_only: bool) -> None:
    came = {message.uid for message in haul.fetched}
    refused = 0
    for uid in uids:
        if uid in came:
            continue
        try:
            haul.fetched.extend(_bodies(turn, [uid], headers_only=headers_only))
        except FolderFailed as error:
            haul.reason = str(error)
            refused += 1
            if refused >= REFUSALS and not haul.fetched:
                raise  # over quota, or busy: not the messages' fault


def _bodies(turn: Turn, uids: list[int], *, headers_only: bool) -> Iterator[Fetched]:
    if uids:
        asked = set(uids)
        for message in turn.session.bodies(uids, headers_only=headers_only):
            if message.raw is not None and message.uid in asked:
                asked.discard(message.uid)  # a server may send one twice
                yield message
