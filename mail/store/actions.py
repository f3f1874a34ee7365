"""Changes that were made here, on their way to the server, and what became of them there."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from mail.copying import plain_array
from mail.models import ActionKind
from mail.store.batch import Batch
from mail.store.filing import hold_folders, hurry, remake_folder
from mail.store.wishes import hurry_messages
from mail.types import Place

# Of one message, or folder, they stay in order: none overtakes one that rests, or that has to be looked for first.
_DUE = """
SELECT number, kind, coalesce(message_id, folder), unread, starred, folders, tries, created_at, folder, name
FROM mail_action a
WHERE account_id = %(account)s AND state = 'pending' AND next_try_at <= now()
AND (%(looked)s OR kind = 'flags' OR tries = 0) AND NOT EXISTS (
    SELECT 1 FROM mail_action b
    WHERE b.message_id = a.message_id AND b.state = 'pending' AND (b.number < a.number AND b.next_try_at > now()
      OR b.number <> a.number AND NOT (%(looked)s OR b.kind = 'flags' OR b.tries = 0)) -- it may be elsewhere by now
) AND (a.folder IS NULL OR NOT EXISTS (
    SELECT 1 FROM mail_action b
    WHERE b.account_id = a.account_id AND b.folder = a.folder AND b.state = 'pending' AND b.number < a.number
      AND (b.next_try_at > now() OR NOT (%(looked)s OR b.tries = 0))
)) ORDER BY number LIMIT %(limit)s
"""
_PLACES = """
SELECT l.folder_id, l.uid, l.message_id, l.flags FROM mail_location l JOIN mail_folder f ON f.id = l.folder_id
WHERE l.message_id = ANY(%s::uuid[]) AND l.uidvalidity = f.uidvalidity AND f.selectable
"""
# What waits behind one that rests is not due before it, or the account would be synced for nothing until then.
_HOLD = """
UPDATE mail_action b SET next_try_at = %(again)s FROM mail_action a
WHERE a.number = ANY(%(begun)s::bigint[]) AND b.message_id = a.message_id AND b.number > a.number
  AND b.state = 'pending' AND b.tries = 0 AND b.next_try_at < %(again)s AND b.number <> ALL(%(begun)s::bigint[])
"""
_END = """
UPDATE mail_action a SET state = end_.state, error = end_.error, ended_at = now()
FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS end_(number, state, error)
WHERE a.number = end_.number AND a.state = 'pending'
RETURNING a.message_id, a.folder, a.kind = 'delete' AND a.state = 'done'
"""
# What was to be deleted while it was on its way, and could not be put there: it is not kept for another try.
_LET_GO = """
UPDATE mail_action SET state = 'superseded', error = ''
WHERE message_id = ANY(%s::uuid[]) AND kind = 'append' AND state = 'failed'
"""


class Due(NamedTuple):
    """An action to be carried out. `tries`: those before, which did not end or failed for the moment. `message`: where
    it is about a `folder`, that one's id."""

    number: int
    kind: str
    message: UUID
    unread: bool | None
    starred: bool | None
    folders: list[UUID] | None
    tries: int
    created_at: datetime
    folder: UUID | None = None
    name: str = ""


def due_actions(account_id: UUID, limit: int, *, looked: bool) -> list[Due]:
    """The account's pending actions, the oldest first, but for those that rest or wait for one of their message that
    does. `looked`: also those that may have been carried out unnoticed, for the mirror has looked since they were
    tried."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"account": account_id, "limit": limit, "looked": looked})
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


def begin_actions(batch: Batch, numbers: Iterable[int], again: datetime) -> set[int]:
    """Count a try before it is made, and when to make the next: the server may hang up at it, or the process die.
    Returns those that are still to be made: who superseded another does not know that it is tried."""
    batch.cursor.execute(
        "UPDATE mail_action SET tries = least(tries + 1, 1000), next_try_at = %s "
        "WHERE number = ANY(%s::bigint[]) AND state = 'pending' AND next_try_at <= now() RETURNING number, folder",
        [again, plain_array(numbers)],
    )
    begun = dict(batch.cursor.fetchall())
    hold_folders(batch, [folder for folder in begun.values() if folder], again)
    batch.cursor.execute(_HOLD, {"again": again, "begun": plain_array(begun)})
    return set(begun)


def end_actions(batch: Batch, done: Sequence[int], failed: Mapping[int, str]) -> None:
    """They are done, or failed for these reasons. Their messages and folders are seen as the server has them from now
    on, and what waited for a folder is due."""
    states = ["done"] * len(done) + ["failed"] * len(failed)
    batch.cursor.execute(_END, [[*done, *failed], states, [""] * len(done) + list(failed.values())])
    ended = batch.cursor.fetchall()
    if deleted := [message for message, _folder, is_deleted in ended if is_deleted]:
        batch.cursor.execute(_LET_GO, [plain_array(deleted)])
    _touch(batch, [message for message, *_ in ended])
    hurry_messages(batch, {message for message, *_ in ended if message})
    for _message, folder, _is_deleted in ended:
        if folder:
            hurry(batch, folder)


def _touch(batch: Batch, messages: Iterable[UUID | None]) -> None:
    """The messages of actions; None: it is about a folder."""
    for message in messages:
        if message is None:
            batch.foldered = True
        else:
            batch.moved.add(message)


def postpone_actions(batch: Batch, later: Mapping[int, str]) -> None:
    """They failed for these reasons, and are tried again when `begin_actions` said."""
    batch.cursor.execute(
        "UPDATE mail_action a SET error = new.error FROM unnest(%s::bigint[], %s::text[]) AS new(number, error) "
        "WHERE a.number = new.number",
        [list(later), list(later.values())],
    )


def await_sight(batch: Batch, numbers: Collection[int]) -> None:
    """They were carried out, and the server did not tell what came of it: they end once that is seen."""
    batch.cursor.execute(
        "UPDATE mail_action SET next_try_at = now(), error = '' WHERE number = ANY(%s::bigint[])",
        [plain_array(numbers)],
    )


def revive_actions(batch: Batch, actions: Collection[UUID]) -> int:
    """Those of the account's actions that failed are pending again, in their old place. Returns how many."""
    batch.cursor.execute(
        "UPDATE mail_action SET state = 'pending', tries = 0, next_try_at = now(), error = '', ended_at = NULL "
        "WHERE account_id = %s AND id = ANY(%s::uuid[]) AND state = 'failed' RETURNING message_id, kind, folder, name",
        [batch.account_id, plain_array(actions)],
    )
    found = batch.cursor.fetchall()
    _touch(batch, [message for message, *_ in found])
    for _message, kind, folder, name in found:
        if kind == ActionKind.MAKE_FOLDER:
            remake_folder(batch, folder, name)
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
