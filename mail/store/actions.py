"""Changes that were made here: noted for readers at once, and what became of them on the server."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from mail.copying import plain_array
from mail.models import ActionKind
from mail.store.batch import Batch

_SUPERSEDE = """
UPDATE mail_action SET state = 'superseded', error = '', ended_at = now()
WHERE account_id = %s AND message_id = ANY(%s::uuid[]) AND state = 'pending'
  AND (unread IS NULL OR %s) AND (starred IS NULL OR %s)
"""
_WISH = """
INSERT INTO mail_action (id, account_id, kind, message_id, unread, starred)
SELECT gen_random_uuid(), %s, %s, id, %s, %s FROM mail_message
WHERE account_id = %s AND id = ANY(%s::uuid[]) ORDER BY id RETURNING message_id
"""
# Of one message they stay in order: none overtakes one that rests.
_DUE = """
SELECT number, kind, message_id, unread, starred, tries, created_at FROM mail_action a
WHERE account_id = %s AND state = 'pending' AND next_try_at <= now() AND NOT EXISTS (
    SELECT 1 FROM mail_action b
    WHERE b.message_id = a.message_id AND b.state = 'pending' AND b.number < a.number AND b.next_try_at > now()
) ORDER BY number LIMIT %s
"""
_PLACES = """
SELECT l.folder_id, l.uid, l.message_id, l.flags FROM mail_location l JOIN mail_folder f ON f.id = l.folder_id
WHERE l.message_id = ANY(%s::uuid[]) AND l.uidvalidity = f.uidvalidity AND f.selectable
"""
_END = """
UPDATE mail_action a SET state = end_.state, error = end_.error, ended_at = now()
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS end_(number, state, error)
WHERE a.number = end_.number AND a.state = 'pending' RETURNING a.message_id
"""


class Due(NamedTuple):
    """An action to be carried out. `tries`: those before, which did not end or failed for the moment."""

    number: int
    kind: str
    message: UUID
    unread: bool | None
    starred: bool | None
    tries: int
    created_at: datetime


class Place(NamedTuple):
    """Where a message is, and its flags there."""

    folder: UUID
    uid: int
    message: UUID
    flags: frozenset[str]


def wish_flags(batch: Batch, messages: Collection[UUID], *, unread: bool | None, starred: bool | None) -> int:
    """Have these messages read or unread, starred or not, here and then on the server; None leaves it. Messages that
    are gone are left out. Returns how many are not. Earlier changes of the same flags need not be made any more."""
    changed = [unread is not None, starred is not None]
    batch.cursor.execute(_SUPERSEDE, [batch.account_id, plain_array(messages), *changed])
    given = [batch.account_id, ActionKind.FLAGS, unread, starred, batch.account_id, plain_array(messages)]
    batch.cursor.execute(_WISH, given)
    found = {message for (message,) in batch.cursor.fetchall()}
    batch.moved.update(found)
    return len(found)


def due_actions(account_id: UUID, limit: int) -> list[Due]:
    """The account's pending actions, the oldest first, but for those that rest or wait for one of their message that
    does."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, [account_id, limit])
        return [Due(*row) for row in cursor.fetchall()]


def next_action_at(account_id: UUID) -> datetime | None:
    """When the first of the account's pending actions is due; None if there is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(next_try_at) FROM mail_action WHERE account_id = %s AND state = 'pending'", [account_id]
        )
        found: datetime | None = cursor.fetchone()[0]
        return found


def places_of(messages: Iterable[UUID]) -> list[Place]:
    """Where the server has messages, as far as the mirror knows."""
    with connection.cursor() as cursor:
        cursor.execute(_PLACES, [plain_array(messages)])
        return [Place(folder, uid, message, frozenset(flags)) for folder, uid, message, flags in cursor.fetchall()]


def begin_actions(batch: Batch, numbers: Collection[int], again: datetime) -> None:
    """Count a try before it is made, and when to make the next: the server may hang up at it, or the process die."""
    batch.cursor.execute(
        "UPDATE mail_action SET tries = least(tries + 1, 1000), next_try_at = %s WHERE number = ANY(%s::bigint[])",
        [again, plain_array(numbers)],
    )


def end_actions(batch: Batch, done: Sequence[int], failed: Mapping[int, str]) -> None:
    """They are done, or failed for these reasons. Their messages are seen as the server has them from now on."""
    states = ["done"] * len(done) + ["failed"] * len(failed)
    batch.cursor.execute(_END, [[*done, *failed], states, [""] * len(done) + list(failed.values())])
    batch.moved.update(message for (message,) in batch.cursor.fetchall())


def postpone_actions(batch: Batch, later: Mapping[int, str]) -> None:
    """They failed for these reasons, and are tried again when `begin_actions` said."""
    batch.cursor.execute(
        "UPDATE mail_action a SET error = new.error FROM unnest(%s::bigint[], %s::text[]) AS new(number, error) "
        "WHERE a.number = new.number",
        [list(later), list(later.values())],
    )


def revive_actions(batch: Batch, actions: Collection[UUID]) -> int:
    """Those of the account's actions that failed are pending again, in their old place. Returns how many."""
    batch.cursor.execute(
        "UPDATE mail_action SET state = 'pending', tries = 0, next_try_at = now(), error = '', ended_at = NULL "
        "WHERE account_id = %s AND id = ANY(%s::uuid[]) AND state = 'failed' RETURNING message_id",
        [batch.account_id, plain_array(actions)],
    )
    found = [message for (message,) in batch.cursor.fetchall()]
    batch.moved.update(found)
    return len(found)


def forget_actions(before: datetime, limit: int = 10_000) -> int:
    """Delete actions that ended before. Returns how many, at most `limit`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM mail_action WHERE ctid = ANY(ARRAY("
            "SELECT ctid FROM mail_action WHERE ended_at < %s ORDER BY ended_at LIMIT %s))",
            [before, limit],
        )
        return int(cursor.rowcount)
