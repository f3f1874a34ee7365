"""What follows from locations and messages: a message's folders and flags, a thread's figures. Set-based.

A change that was made here and is still on its way to the server is seen as done: the last one of each flag wins.
"""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from mail.copying import plain_array
from mail.store.rows import Figures, figure_columns

_MESSAGES = r"""
UPDATE mail_message m
SET folder_ids = p.folder_ids,
    unread = coalesce(p.unread, m.unread), starred = coalesce(p.starred, m.starred), draft = coalesce(p.draft, m.draft),
    orphaned_at = CASE WHEN p.folder_ids = '{}' THEN coalesce(m.orphaned_at, clock_timestamp()) END
FROM (
    SELECT touched.id,
           coalesce(array_agg(DISTINCT l.folder_id) FILTER (WHERE l.folder_id IS NOT NULL), '{}') AS folder_ids,
           coalesce(wish.unread, bool_or(NOT l.flags @> ARRAY['\Seen'])) AS unread,
           coalesce(wish.starred, bool_or(l.flags @> ARRAY['\Flagged'])) AS starred,
           bool_or(l.flags @> ARRAY['\Draft']) AS draft
    FROM unnest(%s::uuid[]) AS touched(id) LEFT JOIN mail_location l ON l.message_id = touched.id
    CROSS JOIN LATERAL (
        SELECT (array_agg(a.unread ORDER BY a.number DESC) FILTER (WHERE a.unread IS NOT NULL))[1] AS unread,
               (array_agg(a.starred ORDER BY a.number DESC) FILTER (WHERE a.starred IS NOT NULL))[1] AS starred
        FROM mail_action a WHERE a.message_id = touched.id AND a.state = 'pending'
    ) wish
    GROUP BY touched.id, wish.unread, wish.starred
) p
WHERE m.id = p.id
  AND (m.folder_ids, m.unread, m.starred, m.draft) IS DISTINCT FROM
      (p.folder_ids, coalesce(p.unread, m.unread), coalesce(p.starred, m.starred), coalesce(p.draft, m.draft))
RETURNING m.id, m.thread_id
"""

_THREADS = """
INSERT INTO mail_thread (id, account_id, provider_key, subject, message_count, earliest_at, latest_at,
                         unread, starred, has_attachments, has_drafts)
SELECT m.thread_id, min(m.account_id::text)::uuid, NULL,
       (array_agg(m.subject ORDER BY m.received_at, m.is_reply, m.id))[1],
       count(*), min(m.received_at), max(m.received_at),
       bool_or(m.unread), bool_or(m.starred), bool_or(m.has_attachments), bool_or(m.draft)
FROM mail_message m WHERE m.thread_id = ANY(%s::uuid[]) GROUP BY m.thread_id
ON CONFLICT (id) DO UPDATE SET
    subject = excluded.subject, message_count = excluded.message_count, earliest_at = excluded.earliest_at,
    latest_at = excluded.latest_at, unread = excluded.unread, starred = excluded.starred,
    has_attachments = excluded.has_attachments, has_drafts = excluded.has_drafts
RETURNING id, xmax = 0
"""

# Where both begin at one time, only all messages together tell whose subject it is.
_GROWN = """
UPDATE mail_thread t SET
    subject = CASE WHEN new.earliest_at < t.earliest_at THEN new.subject ELSE t.subject END,
    message_count = t.message_count + new.message_count,
    earliest_at = least(t.earliest_at, new.earliest_at), latest_at = greatest(t.latest_at, new.latest_at),
    unread = t.unread OR new.unread, starred = t.starred OR new.starred,
    has_attachments = t.has_attachments OR new.has_attachments, has_drafts = t.has_drafts OR new.has_drafts
FROM unnest(%s::uuid[], %s::text[], %s::int[], %s::timestamptz[], %s::timestamptz[], %s::bool[], %s::bool[],
            %s::bool[], %s::bool[])
    AS new(id, subject, message_count, earliest_at, latest_at, unread, starred, has_attachments, has_drafts)
WHERE t.id = new.id AND t.earliest_at <> new.earliest_at AND t.message_count > 0
RETURNING t.id
"""


def refresh_messages(cursor: Any, messages: Collection[UUID]) -> list[tuple[UUID, UUID]]:
    """Bring messages in line with their locations; (message, thread) of those that a reader sees otherwise now.

    A message without a location keeps its flags and is stamped as an orphan.
    """
    if not messages:
        return []
    cursor.execute(_MESSAGES, [plain_array(messages)])
    return list(cursor.fetchall())


def extend_threads(cursor: Any, grown: Mapping[UUID, Figures]) -> set[UUID]:
    """Add messages' figures to those of their threads, at a cost that does not grow with the threads. Returns the
    threads for which that was enough; the others have to be refreshed."""
    if not grown:
        return set()
    cursor.execute(_GROWN, figure_columns(grown))
    return {thread for (thread,) in cursor.fetchall()}


def refresh_threads(cursor: Any, threads: Collection[UUID]) -> list[tuple[UUID, str]]:
    """Bring threads in line with their messages; (thread, created | updated | deleted) for each.

    A thread that is touched counts as updated: its messages are part of it in the API. One without messages goes.
    """
    if not threads:
        return []
    cursor.execute(_THREADS, [plain_array(threads)])
    seen = {thread: "created" if created else "updated" for thread, created in cursor.fetchall()}
    empty = [thread for thread in threads if thread not in seen]
    if empty:
        cursor.execute("DELETE FROM mail_threadlink WHERE thread_id = ANY(%s::uuid[])", [plain_array(empty)])
        cursor.execute("DELETE FROM mail_thread WHERE id = ANY(%s::uuid[]) RETURNING id", [plain_array(empty)])
        seen |= {thread: "deleted" for (thread,) in cursor.fetchall()}
    return list(seen.items())
