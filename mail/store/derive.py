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
SET folder_ids = p.folder_ids, unread = p.unread, starred = p.starred, draft = p.draft, hidden = p.hidden,
    orphaned_at = CASE WHEN NOT p.kept THEN coalesce(m.orphaned_at, clock_timestamp()) END
FROM (
    SELECT old.id, count(l.uid) > 0 OR made.folders IS NOT NULL AND wish.deleted IS NOT TRUE AS kept,
           coalesce(wish.folders, array_agg(DISTINCT l.folder_id) FILTER (WHERE l.uid IS NOT NULL), made.folders, '{}')
               AS folder_ids,
           coalesce(wish.unread, bool_or(NOT l.flags @> ARRAY['\Seen']), old.unread) AS unread,
           coalesce(wish.starred, bool_or(l.flags @> ARRAY['\Flagged']), old.starred) AS starred,
           coalesce(bool_or(l.flags @> ARRAY['\Draft']), old.draft) AS draft,
           coalesce(wish.deleted, false)
               OR old.hidden AND count(l.uid) = 0 AND made.state IS DISTINCT FROM 'pending' AS hidden,
           old.folder_ids AS old_folder_ids, old.unread AS old_unread, old.starred AS old_starred,
           old.draft AS old_draft, old.hidden AS old_hidden
    FROM mail_message old LEFT JOIN mail_location l ON l.message_id = old.id
    CROSS JOIN LATERAL (
        SELECT (array_agg(a.unread ORDER BY a.number DESC) FILTER (WHERE a.unread IS NOT NULL))[1] AS unread,
               (array_agg(a.starred ORDER BY a.number DESC) FILTER (WHERE a.starred IS NOT NULL))[1] AS starred,
               (SELECT ARRAY(SELECT unnest(b.folders) ORDER BY 1) FROM mail_action b WHERE b.message_id = old.id
                AND b.state = 'pending' AND b.folders IS NOT NULL ORDER BY b.number DESC LIMIT 1) AS folders,
               bool_or(a.kind = 'delete') AS deleted
        FROM mail_action a WHERE a.message_id = old.id AND a.state = 'pending'
    ) wish
    LEFT JOIN LATERAL (
        SELECT b.folders, b.state FROM mail_action b
        WHERE b.message_id = old.id AND b.state IN ('pending', 'failed')
        AND b.kind = 'append' ORDER BY b.number DESC LIMIT 1
    ) made ON true
    WHERE old.id = ANY(%s::uuid[])
    GROUP BY old.id, wish.unread, wish.starred, wish.folders, wish.deleted, made.folders, made.state
) p
WHERE m.id = p.id
  AND (p.old_folder_ids, p.old_unread, p.old_starred, p.old_draft, p.old_hidden, m.orphaned_at IS NULL)
      IS DISTINCT FROM (p.folder_ids, p.unread, p.starred, p.draft, p.hidden, p.kept)
RETURNING m.id, m.thread_id, p.old_hidden, p.hidden,
    (p.old_folder_ids, p.old_unread, p.old_starred, p.old_draft) IS DISTINCT FROM
    (p.folder_ids, p.unread, p.starred, p.draft)
"""

_THREADS = """
WITH unseen AS (SELECT id FROM mail_thread WHERE id = ANY(%(threads)s::uuid[]) AND message_count = 0)
INSERT INTO mail_thread (id, account_id, provider_key, subject, message_count, earliest_at, latest_at,
                         unread, starred, has_attachments, has_drafts)
SELECT m.thread_id, min(m.account_id::text)::uuid, NULL,
       (array_agg(m.subject ORDER BY m.received_at, m.is_reply, m.id))[1],
       count(*), min(m.received_at), max(m.received_at),
       bool_or(m.unread), bool_or(m.starred), bool_or(m.has_attachments), bool_or(m.draft)
FROM mail_message m WHERE m.thread_id = ANY(%(threads)s::uuid[]) AND NOT m.hidden GROUP BY m.thread_id
ON CONFLICT (id) DO UPDATE SET
    subject = excluded.subject, message_count = excluded.message_count, earliest_at = excluded.earliest_at,
    latest_at = excluded.latest_at, unread = excluded.unread, starred = excluded.starred,
    has_attachments = excluded.has_attachments, has_drafts = excluded.has_drafts
RETURNING id, xmax = 0 OR id IN (SELECT id FROM unseen)
"""
# Of which all messages were deleted here, and not yet there: they may come back.
_HIDE = """
UPDATE mail_thread t SET message_count = 0 WHERE id = ANY(%s::uuid[]) AND message_count > 0
AND EXISTS (SELECT 1 FROM mail_message m WHERE m.thread_id = t.id) RETURNING id
"""
_UNLINK = """
DELETE FROM mail_threadlink l WHERE thread_id = ANY(%s::uuid[])
AND NOT EXISTS (SELECT 1 FROM mail_message m WHERE m.thread_id = l.thread_id)
"""
_DELETE = """
DELETE FROM mail_thread t WHERE id = ANY(%s::uuid[])
AND NOT EXISTS (SELECT 1 FROM mail_message m WHERE m.thread_id = t.id) RETURNING id, message_count > 0
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


def refresh_messages(cursor: Any, messages: Collection[UUID]) -> list[tuple[UUID, UUID, str]]:
    """Bring messages in line with their locations and what was changed of them here; (message, thread, created |
    updated | deleted) of those that a reader sees otherwise now.

    A message without a location keeps its flags and is stamped as an orphan.
    """
    if not messages:
        return []
    cursor.execute(_MESSAGES, [plain_array(messages)])
    return [
        (message, thread, "updated" if was_hidden == is_hidden else "deleted" if is_hidden else "created")
        for message, thread, was_hidden, is_hidden, differs in cursor.fetchall()
        if was_hidden != is_hidden or (differs and not is_hidden)
    ]


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
    cursor.execute(_THREADS, {"threads": plain_array(threads)})
    seen = {thread: "created" if created else "updated" for thread, created in cursor.fetchall()}
    empty = plain_array(thread for thread in threads if thread not in seen)
    if len(seen) < len(threads):
        cursor.execute(_UNLINK, [empty])
        cursor.execute(_DELETE, [empty])
        gone = [thread for thread, was_seen in cursor.fetchall() if was_seen]
        cursor.execute(_HIDE, [empty])
        seen |= dict.fromkeys([*gone, *(thread for (thread,) in cursor.fetchall())], "deleted")
    return list(seen.items())
