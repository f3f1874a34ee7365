"""Messages from the server into the mirror: one transaction a batch, gaps for what did not come."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace

import psycopg2
from django.db import DatabaseError
from django.utils import timezone

from mail import raw, store
from mail.mirror.convoy import Convoy
from mail.mirror.hauls import Haul, entries, fetch
from mail.mirror.opening import share_connection
from mail.mirror.reading import assign_threads, made_here, packed, renewed, ties, without_known
from mail.mirror.turn import Turn
from mail.sync.schedule import gap_delay
from mail.types import Arrival, ConnectionFailed, LocalFolder, NoRoom

log = logging.getLogger(__name__)

CAUTION = 2  # failures in a row after which a folder's messages are asked for one by one
_HUNG_UP = "the server ended the connection when it was asked for this message"
_POISON = "the worker died while it read this message, more than once; it is skipped"

Checkpoint = Callable[[Sequence[int]], dict[str, int]]  # UIDs of a batch, in order -> columns of the sync point


def copy(
    turn: Turn, folder: LocalFolder, uids: Sequence[int], checkpoint: Checkpoint, *, alone: bool = False
) -> LocalFolder:
    """Copy messages in the given order. Every batch is one commit, with the checkpoint that follows from its UIDs.

    UIDs that the server lists and does not hand out become gaps. Stops when the turn's time is up. `alone`: these are
    gaps already, so each is asked for by itself.
    """
    if not uids:
        return folder
    if turn.careful or alone or folder.failures >= CAUTION:
        return _copy_singly(turn, folder, uids, checkpoint)
    with Convoy(turn, folder, uids) as coming:
        for haul in coming:
            folder = _store(turn, folder, haul, checkpoint(haul.uids))
            share_connection()
    return folder


def _copy_singly(turn: Turn, folder: LocalFolder, uids: Sequence[int], checkpoint: Checkpoint) -> LocalFolder:
    """One by one, each noted as a gap and passed before it is asked for: if the server hangs up at it, or the process
    dies of it, the next turn does not begin with it again."""
    copied = False
    for batch, too_large in entries(turn, uids):
        if copied and turn.is_over():
            break
        for entry in batch:
            columns = checkpoint([entry.uid])
            with turn.writing() as writing:
                store.suspect(writing, folder, entry.uid, timezone.now(), _POISON)
                folder = replace(store.checkpoint(writing, folder, **columns), gap_due=True)  # to be settled
            try:
                haul = fetch(turn, [entry], headers_only=too_large)
            except ConnectionFailed:
                _note_hanging_up(turn, folder, entry.uid)
                raise
            folder = _store(turn, folder, haul, columns)
        copied = True
    return folder


def _note_hanging_up(turn: Turn, folder: LocalFolder, uid: int) -> None:
    again = timezone.now() + gap_delay(store.gap_attempts(folder, [uid]).get(uid, 1))
    with turn.writing() as batch:
        store.record_gaps(batch, folder, {uid: again}, _HUNG_UP)


def _store(turn: Turn, folder: LocalFolder, haul: Haul, columns: dict[str, int]) -> LocalFolder:
    try:
        return _write(turn, folder, haul, columns)
    except NoRoom as error:  # as where there is none for fetching it (mail.mirror.hauls)
        log.warning("account %s: %s", turn.account_id, error)
        return _write(turn, folder, replace(haul, arrivals=[], contents=None, reason=str(error)), columns)
    except (DatabaseError, psycopg2.Error, ValueError, OverflowError) as error:
        if not _is_about_the_data(error):
            raise
        log.exception("account %s: a batch cannot be stored, storing its messages singly", turn.account_id)
        return _store_singly(turn, folder, haul, columns)
    finally:
        haul.drop()


def _write(turn: Turn, folder: LocalFolder, haul: Haul, columns: dict[str, int]) -> LocalFolder:
    """One transaction: messages, threads, places, gaps for what did not come, and the checkpoint."""
    fetched = without_known(haul.arrivals)
    if turn.files_sent:
        fetched = made_here(turn.account_id, folder, fetched)
    arrivals = [*haul.known.values(), *fetched]
    contents = raw.keep(turn.account_id, _contents(haul, fetched))
    assignment = assign_threads(turn.account_id, arrivals)
    came = {arrival.uid for arrival in arrivals}
    missed = set(haul.uids) - came
    tries = store.gap_attempts(folder, missed) if missed else {}
    with turn.writing() as batch:
        store.add_arrivals(batch, folder, arrivals, assignment, contents)
        store.tie(batch, ties(haul.arrivals, fetched))
        store.renew(batch, renewed(haul.arrivals, fetched))
        if folder.gaps or folder.gap_due:
            store.settle_gaps(batch, folder, came)
        again = {uid: timezone.now() + gap_delay(tries.get(uid, 0) + 1) for uid in missed}
        store.record_gaps(batch, folder, again, haul.reason)
        return store.checkpoint(batch, folder, **columns)


def _contents(haul: Haul, fetched: Sequence[Arrival]) -> raw.Packed:
    """Of those messages that the mirror lacks; all of the haul's are being packed already, by their servers' ids."""
    if haul.contents is not None and not ties(haul.arrivals, fetched) and all(each.raw is not None for each in fetched):
        return haul.contents.result()
    return packed(fetched)


def _store_singly(turn: Turn, folder: LocalFolder, haul: Haul, columns: dict[str, int]) -> LocalFolder:
    """The same, message by message: one that no table takes becomes a gap, and the others are stored."""
    for arrival in haul.arrivals:
        try:
            folder = _write(turn, folder, Haul([arrival.uid], [arrival]), {})
        except (DatabaseError, psycopg2.Error, ValueError, OverflowError) as error:
            if not _is_about_the_data(error):
                raise
            log.exception("account %s folder %s: UID %d cannot be stored", turn.account_id, folder.id, arrival.uid)
            folder = _write(turn, folder, Haul([arrival.uid], reason=f"the message cannot be stored: {error}"), {})
    stored = {arrival.uid for arrival in haul.arrivals}
    rest = replace(haul, uids=[uid for uid in haul.uids if uid not in stored], arrivals=[], contents=None, room=0)
    return _write(turn, folder, rest, columns)


def _is_about_the_data(error: Exception) -> bool:
    """Whether the database, or Python on the way to it, refuses what the message says, and would again."""
    cause = error.__cause__ if isinstance(error, DatabaseError) else error
    if not isinstance(cause, psycopg2.Error):
        return True
    code = cause.pgcode or ""
    return code[:2] in {"22", "54"}  # data exception, program limit exceeded
