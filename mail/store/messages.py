"""Messages and their places."""

from collections import Counter
from collections.abc import Collection, Container, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import F
from django.db.models.functions import Greatest

from mail import raw
from mail.copying import array, copy_binary, plain_array
from mail.models import Folder
from mail.raw import Packed
from mail.store import rows
from mail.store.batch import Batch
from mail.types import Arrival, Assignment, LocalFolder

SWEEP = 5000  # messages deleted in one transaction

_TAKEN = """
SELECT ARRAY(
    SELECT uid FROM unnest(%(uids)s::bigint[]) AS new(uid) WHERE EXISTS (
        SELECT 1 FROM mail_location l
        WHERE l.folder_id = %(folder)s AND l.uidvalidity = %(uidvalidity)s AND l.uid = new.uid
        OFFSET 0 -- an index probe for each, never a hash of all places
    )
), (SELECT min(uidvalidity) < %(uidvalidity)s OR max(uidvalidity) > %(uidvalidity)s
    FROM mail_location WHERE folder_id = %(folder)s)
"""


# A message that was made here may be known by another id to who asks its server.
_KNOWN = """
SELECT id, id, received_at, pack_id IS NOT NULL AND lost_at IS NULL FROM mail_message WHERE id = ANY(%(ids)s::uuid[])
UNION ALL SELECT alias, id, received_at, pack_id IS NOT NULL AND lost_at IS NULL FROM mail_message
WHERE alias = ANY(%(ids)s::uuid[])
"""


class Known(NamedTuple):
    """A message that the mirror has, by its id. `is_stored`: with its contents."""

    message: UUID
    received_at: datetime
    is_stored: bool


def known_messages(ids: Collection[UUID]) -> dict[UUID, Known]:
    """Those that the mirror has, by their ids or their aliases."""
    with connection.cursor() as cursor:
        cursor.execute(_KNOWN, {"ids": plain_array(ids)})
        return {name: Known(*facts) for name, *facts in cursor.fetchall()}


def add_arrivals(
    batch: Batch, folder: LocalFolder, arrivals: Sequence[Arrival], assignment: Assignment, packed: Packed
) -> None:
    """Store messages that are new (their arrivals are `parsed`), contents that were lost, and every arrival's place.

    `packed`: the contents of both.
    """
    _join_threads(batch, assignment)
    pack = raw.put(batch.cursor, batch.account_id, packed) if packed.places else None
    fresh = {arrival.message: arrival for arrival in reversed(arrivals) if arrival.parsed is not None}
    if fresh:
        assert pack is not None, "every message that is new comes with contents"
        _insert_messages(batch, folder, fresh, assignment, pack, packed)
    _restore(batch, {message: place for message, place in packed.places.items() if message not in fresh}, pack)
    _insert_links(batch, assignment)
    if folder.gap_due:
        _vacate(batch, folder, arrivals)
    _insert_places(batch, folder, arrivals, fresh)


def add_made(batch: Batch, folder: LocalFolder, arrival: Arrival, assignment: Assignment, packed: Packed) -> None:
    """Store a message that was made here and is in no folder of the server yet, as in `folder`; see `wish_append`."""
    _join_threads(batch, assignment)
    pack = raw.put(batch.cursor, batch.account_id, packed)
    _insert_messages(batch, folder, {arrival.message: arrival}, assignment, pack, packed)
    _insert_links(batch, assignment)


def _restore(batch: Batch, places: Mapping[UUID, tuple[int, int]], pack: UUID | None) -> None:
    """Contents that were lost are there again; what was left of them is waste."""
    if places:
        raw.waste(batch.cursor, places.keys())
        batch.cursor.execute(
            "UPDATE mail_message m SET pack_id = %s, raw_at = new.raw_at, raw_size = new.raw_size, lost_at = NULL "
            "FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[]) AS new(id, raw_at, raw_size) WHERE m.id = new.id",
            [pack, *raw.columns(places)],
        )


def _insert_messages(
    batch: Batch,
    folder: LocalFolder,
    fresh: Mapping[UUID, Arrival],
    assignment: Assignment,
    pack: UUID,
    packed: Packed,
) -> None:
    threads: dict[UUID, dict[UUID, Arrival]] = {}
    for message, arrival in fresh.items():
        threads.setdefault(assignment.threads[message], {})[message] = arrival
        batch.log("message", message, "created")
    figures = {thread: rows.figures_of(messages) for thread, messages in threads.items()}
    created = [
        rows.thread_row(batch.account_id, thread, assignment.created[thread], figures[thread])
        for thread in threads
        if thread in assignment.created
    ]
    messages = [
        rows.message_row(batch.account_id, folder, arrival, assignment.threads[message], pack, packed.places[message])
        for message, arrival in fresh.items()
    ]
    copy_binary(batch.cursor, "mail_thread", rows.THREAD_COLUMNS, created)
    copy_binary(batch.cursor, "mail_message", rows.MESSAGE_COLUMNS, messages)
    for thread in threads:
        if thread in assignment.created:
            batch.log("thread", thread, "created")
        else:
            batch.grown[thread] = figures[thread]


def _vacate(batch: Batch, folder: LocalFolder, arrivals: Sequence[Arrival]) -> None:
    """A message asked for again may have other octets than before: some servers make them up each time (Exchange). Who
    was at its UID leaves it."""
    batch.cursor.execute(
        "DELETE FROM mail_location l USING unnest(%s::bigint[], %s::uuid[]) AS new(uid, message) "
        "WHERE l.folder_id = %s AND l.uidvalidity = %s AND l.uid = new.uid AND l.message_id <> new.message "
        "RETURNING l.message_id",
        [
            plain_array(arrival.uid for arrival in arrivals),
            plain_array(arrival.message for arrival in arrivals),
            folder.id,
            folder.uidvalidity,
        ],
    )
    _leave(batch, folder, [message for (message,) in batch.cursor.fetchall()])


def _insert_places(batch: Batch, folder: LocalFolder, arrivals: Sequence[Arrival], created: Container[UUID]) -> None:
    taken, is_reset = _taken(batch, folder, arrivals)
    new: dict[int, Arrival] = {}
    for arrival in arrivals:
        if arrival.uid not in taken:
            new.setdefault(arrival.uid, arrival)
    copy_binary(batch.cursor, "mail_location", rows.LOCATION_COLUMNS, rows.location_rows(folder, new.values()))
    # A new message with one place is inserted as derived; any other has to be derived from all its places.
    placed = Counter(arrival.message for arrival in new.values())
    batch.moved.update(message for message, count in placed.items() if message not in created or count > 1)
    if is_reset:  # a message found again leaves its old place for the new one, in one step
        batch.cursor.execute(
            "DELETE FROM mail_location WHERE folder_id = %s AND uidvalidity <> %s AND message_id = ANY(%s::uuid[])",
            [folder.id, folder.uidvalidity, plain_array(placed)],
        )
    Folder.objects.filter(id=folder.id).update(mirrored_count=F("mirrored_count") + placed.total())


def _taken(batch: Batch, folder: LocalFolder, arrivals: Sequence[Arrival]) -> tuple[set[int], bool]:
    """Those of the arrivals' UIDs that are mirrored, and whether the folder has places under another UIDVALIDITY. Who
    holds the lease is the only one to add places, so that this is true until the commit."""
    batch.cursor.execute(
        _TAKEN,
        {
            "folder": folder.id,
            "uidvalidity": folder.uidvalidity,
            "uids": plain_array(arrival.uid for arrival in arrivals),
        },
    )
    uids, is_reset = batch.cursor.fetchone()
    return set(uids), bool(is_reset)


def _join_threads(batch: Batch, assignment: Assignment) -> None:
    """Carry out merges: messages and links of a thread that goes move to the one that takes them."""
    for gone, taker in assignment.merged.items():
        batch.cursor.execute("UPDATE mail_message SET thread_id = %s WHERE thread_id = %s RETURNING id", [taker, gone])
        for (message,) in batch.cursor.fetchall():
            batch.log("message", message, "updated")
        batch.cursor.execute("UPDATE mail_threadlink SET thread_id = %s WHERE thread_id = %s", [taker, gone])
        batch.threads |= {gone, taker}


def _insert_links(batch: Batch, assignment: Assignment) -> None:
    """New ones only (mail.threading): whoever holds the lease looked for them a moment ago."""
    if assignment.links:
        links = rows.link_rows(batch.account_id, assignment.links)
        copy_binary(batch.cursor, "mail_threadlink", rows.LINK_COLUMNS, links)


def change_flags(batch: Batch, folder: LocalFolder, flags: Mapping[int, frozenset[str]]) -> None:
    """Give mirrored UIDs the server's flags."""
    if not flags:
        return
    batch.cursor.execute(
        "UPDATE mail_location l SET flags = new.flags::text[] FROM unnest(%s::bigint[], %s::text[]) AS new(uid, flags) "
        "WHERE l.folder_id = %s AND l.uidvalidity = %s AND l.uid = new.uid AND l.flags <> new.flags::text[] "
        "RETURNING l.message_id",
        [
            plain_array(flags),
            array([array(sorted(value)) for value in flags.values()]),
            folder.id,
            folder.uidvalidity,
        ],
    )
    batch.moved.update(message for (message,) in batch.cursor.fetchall())


def forget_places(batch: Batch, folder: LocalFolder, uids: Iterable[int]) -> None:
    """UIDs that the server expunged. Their messages live on while they have another place, else as orphans."""
    batch.cursor.execute(
        "DELETE FROM mail_location WHERE folder_id = %s AND uidvalidity = %s AND uid = ANY(%s::bigint[]) "
        "RETURNING message_id",
        [folder.id, folder.uidvalidity, plain_array(uids)],
    )
    _leave(batch, folder, [message for (message,) in batch.cursor.fetchall()])


def _leave(batch: Batch, folder: LocalFolder, gone: Sequence[UUID]) -> None:
    """Messages that had a place of the folder have it no more."""
    batch.moved.update(gone)
    Folder.objects.filter(id=folder.id).update(mirrored_count=Greatest(F("mirrored_count") - len(gone), 0))


def sweep_orphans(batch: Batch, before: datetime) -> int:
    """Delete messages that lost their last place before `before` and found no other since, at most SWEEP at once.
    Returns how many.

    Call it after a pass that began at `before` and saw every folder whole: a move would have shown itself. The rows are
    locked first: the search index may be adding words to them.
    """
    batch.cursor.execute(
        "SELECT id, thread_id FROM mail_message WHERE account_id = %s AND orphaned_at < %s "
        "ORDER BY id LIMIT %s FOR UPDATE",
        [batch.account_id, before, SWEEP],
    )
    orphans = dict(batch.cursor.fetchall())
    if orphans:
        _delete_messages(batch, list(orphans))
        batch.threads.update(orphans.values())
    return len(orphans)


def _delete_messages(batch: Batch, messages: list[UUID]) -> None:
    """Delete messages with their words and bodies; their raw mail becomes waste. No change of them can be made. Who
    deleted one here has been told."""
    raw.waste(batch.cursor, messages)
    batch.cursor.execute(
        "UPDATE mail_action SET ended_at = now(), state = CASE kind WHEN 'delete' THEN 'done' ELSE 'failed' END, "
        "error = CASE kind WHEN 'delete' THEN '' ELSE %s END WHERE message_id = ANY(%s::uuid[]) AND state = 'pending'",
        ["The message was deleted on the server.", plain_array(messages)],
    )
    for table in ("mail_searchdocument", "mail_body"):
        batch.cursor.execute(f"DELETE FROM {table} WHERE message_id = ANY(%s::uuid[])", [plain_array(messages)])  # noqa: S608 -- constants
    batch.cursor.execute(
        "DELETE FROM mail_message WHERE id = ANY(%s::uuid[]) RETURNING id, hidden", [plain_array(messages)]
    )
    for message, hidden in batch.cursor.fetchall():
        if not hidden:
            batch.log("message", message, "deleted")
