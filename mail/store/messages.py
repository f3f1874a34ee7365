"""Messages and their places."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import F
from django.db.models.functions import Greatest
from psycopg2.extras import execute_values

from mail import raw
from mail.models import Folder, Message
from mail.store import rows
from mail.store.batch import Batch
from mail.types import Arrival, Assignment, LocalFolder

SWEEP = 5000  # messages deleted in one transaction


def known_messages(messages: Collection[UUID]) -> dict[UUID, datetime]:
    """Those of the messages that the mirror has -> when they were received."""
    return dict(Message.objects.filter(id__in=list(messages)).values_list("id", "received_at"))


def add_arrivals(batch: Batch, folder: LocalFolder, arrivals: Sequence[Arrival], assignment: Assignment) -> None:
    """Store messages that are new (their arrivals are `parsed`), and the place of every arrival."""
    _join_threads(batch, assignment)
    created = _insert_messages(batch, folder, arrivals, assignment)
    _insert_links(batch, assignment)
    places = execute_values(
        batch.cursor,
        "INSERT INTO mail_location (folder_id, uidvalidity, uid, message_id, flags, received_at) VALUES %s "
        "ON CONFLICT DO NOTHING RETURNING message_id",
        rows.location_rows(folder, arrivals),
        template="(%s, %s, %s, %s, %s::text[], %s)",
        page_size=500,
        fetch=True,
    )
    # A message found again after a UIDVALIDITY reset leaves its old place for the new one, in one step.
    batch.cursor.execute(
        "DELETE FROM mail_location WHERE folder_id = %s AND uidvalidity <> %s AND message_id = ANY(%s)",
        [folder.id, folder.uidvalidity, [arrival.message for arrival in arrivals]],
    )
    # A new message with one place is inserted as derived; any other has to be derived from all its places.
    placed = Counter(message for (message,) in places)
    batch.moved.update(message for message, count in placed.items() if message not in created or count > 1)
    Folder.objects.filter(id=folder.id).update(mirrored_count=F("mirrored_count") + placed.total())


def _insert_messages(
    batch: Batch, folder: LocalFolder, arrivals: Sequence[Arrival], assignment: Assignment
) -> set[UUID]:
    raws = {arrival.digest: arrival.raw for arrival in arrivals if arrival.digest}
    raw.put_many(batch.cursor, batch.account_id, raws.items())
    fresh = {arrival.message: arrival for arrival in reversed(arrivals) if arrival.parsed is not None}
    if not fresh:
        return set()
    execute_values(
        batch.cursor,
        f"INSERT INTO mail_message ({', '.join(rows.MESSAGE_COLUMNS)}) VALUES %s",  # noqa: S608 -- constants
        [
            rows.message_row(batch.account_id, folder, arrival, assignment.threads[message])
            for message, arrival in fresh.items()
        ],
        template=rows.MESSAGE_TEMPLATE,
        page_size=200,
    )
    execute_values(
        batch.cursor,
        "INSERT INTO mail_body (message_id, html, data) VALUES %s",
        [(message, arrival.body_is_html, arrival.body) for message, arrival in fresh.items() if arrival.body],
        page_size=200,
    )
    for message in fresh:
        batch.log("message", message, "created")
        batch.threads.add(assignment.threads[message])
    return set(fresh)


def _join_threads(batch: Batch, assignment: Assignment) -> None:
    """Carry out merges: messages and links of a thread that goes move to the one that takes them."""
    for gone, taker in assignment.merged.items():
        batch.cursor.execute("UPDATE mail_message SET thread_id = %s WHERE thread_id = %s RETURNING id", [taker, gone])
        for (message,) in batch.cursor.fetchall():
            batch.log("message", message, "updated")
        batch.cursor.execute("UPDATE mail_threadlink SET thread_id = %s WHERE thread_id = %s", [taker, gone])
        batch.threads |= {gone, taker}
    keyed = [(thread, batch.account_id, key) for thread, key in assignment.created.items() if key]
    if keyed:
        execute_values(
            batch.cursor,
            "INSERT INTO mail_thread (id, account_id, provider_key, subject, message_count, earliest_at, latest_at, "
            "unread, starred, has_attachments, has_drafts) VALUES %s",
            keyed,
            template="(%s, %s, %s, '', 0, now(), now(), false, false, false, false)",
        )
        for thread, _account, _key in keyed:
            batch.log("thread", thread, "created")


def _insert_links(batch: Batch, assignment: Assignment) -> None:
    execute_values(
        batch.cursor,
        "INSERT INTO mail_threadlink (account_id, digest, thread_id) VALUES %s "
        "ON CONFLICT (account_id, digest) DO UPDATE SET thread_id = excluded.thread_id",
        [(batch.account_id, digest, thread) for digest, thread in assignment.links.items()],
        page_size=1000,
    )


def change_flags(batch: Batch, folder: LocalFolder, flags: Mapping[int, frozenset[str]]) -> None:
    """Give mirrored UIDs the server's flags."""
    if not flags:
        return
    changed = execute_values(
        batch.cursor,
        "UPDATE mail_location l SET flags = new.flags FROM (VALUES %s) AS new (folder, uidvalidity, uid, flags) "
        "WHERE l.folder_id = new.folder AND l.uidvalidity = new.uidvalidity AND l.uid = new.uid "
        "AND l.flags <> new.flags RETURNING l.message_id",
        [(folder.id, folder.uidvalidity, uid, sorted(value)) for uid, value in flags.items()],
        template="(%s::uuid, %s::bigint, %s::bigint, %s::text[])",
        page_size=1000,
        fetch=True,
    )
    batch.moved.update(message for (message,) in changed)


def forget_places(batch: Batch, folder: LocalFolder, uids: Iterable[int]) -> None:
    """UIDs that the server expunged. Their messages live on while they have another place, else as orphans."""
    batch.cursor.execute(
        "DELETE FROM mail_location WHERE folder_id = %s AND uidvalidity = %s AND uid = ANY(%s) RETURNING message_id",
        [folder.id, folder.uidvalidity, list(uids)],
    )
    gone = [message for (message,) in batch.cursor.fetchall()]
    batch.moved.update(gone)
    Folder.objects.filter(id=folder.id).update(mirrored_count=Greatest(F("mirrored_count") - len(gone), 0))


def sweep_orphans(batch: Batch, before: datetime) -> int:
    """Delete messages that lost their last place before `before` and found no other since, at most SWEEP at once.
    Returns how many.

    Call it after a pass that began at `before` and saw every folder whole: a move would have shown itself. The rows are
    locked first: the search index may be adding words to them.
    """
    batch.cursor.execute(
        "SELECT id, thread_id, digest FROM mail_message WHERE account_id = %s AND orphaned_at < %s "
        "ORDER BY id LIMIT %s FOR UPDATE",
        [batch.account_id, before, SWEEP],
    )
    orphans = batch.cursor.fetchall()
    delete_messages(batch, [message for message, _thread, _digest in orphans], [bytes(row[2]) for row in orphans])
    batch.threads |= {thread for _message, thread, _digest in orphans}
    return len(orphans)


def delete_messages(batch: Batch, messages: list[UUID], digests: list[bytes]) -> None:
    """Delete messages with their bodies and words, and raw mail that no other message shares."""
    if not messages:
        return
    for table in ("mail_body", "mail_searchdocument"):
        batch.cursor.execute(f"DELETE FROM {table} WHERE message_id = ANY(%s)", [messages])  # noqa: S608 -- constants
    batch.cursor.execute("DELETE FROM mail_message WHERE id = ANY(%s)", [messages])
    batch.cursor.execute(
        "DELETE FROM mail_raw r WHERE account_id = %s AND digest = ANY(%s) AND NOT EXISTS ("
        "SELECT 1 FROM mail_message m WHERE m.account_id = r.account_id AND m.digest = r.digest)",
        [batch.account_id, digests],
    )
    for message in messages:
        batch.log("message", message, "deleted")


def has_orphans(account_id: UUID) -> bool:
    """Whether a message waits for the next pass to tell a move from a deletion."""
    return Message.objects.filter(account_id=account_id, orphaned_at__isnull=False).exists()


def database_now() -> datetime:
    """The database's clock, which stamps orphans."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return now
