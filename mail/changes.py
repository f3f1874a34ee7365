"""The change log: append under the account's row lock, read since a cursor.

seq is dense and in commit order because the row lock that hands it out is held until commit: a reader that asks for
`seq > cursor` can miss nothing, and can check that it did not.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone

from accounts.models import Account
from mail import bell, binary
from mail.copying import copy_binary
from mail.models import Transaction

Entry = tuple[str, UUID, str]  # object_type, object_id, kind

AGE = timedelta(days=30)  # of entries that expire: a consumer that was away for longer lists everything again

_COLUMNS = ("account_id", "seq", "mark", "object_id", "object_type", "kind")
_row = binary.Beginning(len(_COLUMNS), ("16s", "q", "q", "16s"))
_NEXT = """
    UPDATE accounts_account SET log_seq = log_seq + %s, last_change_at = now(), log_mark = greatest(
        log_mark, pg_current_xact_id()::text::bigint + coalesce((SELECT value FROM mail_markoffset), 0))
    WHERE id = %s RETURNING log_seq, log_mark, application_id
"""
# One statement, one snapshot: what is beside the rows is as old as they are.
_READ = """
    SELECT account.log_floor, account.log_seq, t.seq, t.object_type, t.object_id, t.kind, t.created_at
    FROM accounts_account account LEFT JOIN LATERAL (
        SELECT * FROM mail_transaction t
        WHERE t.account_id = account.id AND t.seq > %(after)s
        AND (%(types)s::text[] IS NULL OR t.object_type = ANY(%(types)s::text[]))
        ORDER BY t.seq LIMIT %(limit)s
    ) t ON true
    WHERE account.id = %(account)s ORDER BY t.seq
"""
_SINCE = """
    SELECT account.log_floor, account.log_seq, (
        SELECT t.seq FROM mail_transaction t WHERE t.account_id = account.id AND t.created_at >= %(time)s
        ORDER BY t.seq LIMIT 1)
    FROM accounts_account account WHERE account.id = %(account)s
"""


class CursorExpired(Exception):
    """Rows after the cursor have been expired by age. `floor`: the oldest cursor that still works."""

    def __init__(self, floor: int) -> None:
        super().__init__(
            f"cursor expired; the log begins after {floor}: list everything again, then start from the latest cursor"
        )
        self.floor = floor


class CursorInvalid(ValueError):
    """The cursor is ahead of the log: it never came from it."""


@dataclass(frozen=True, slots=True)
class Change:
    """A row of the log."""

    seq: int
    object_type: str
    object_id: UUID
    kind: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """Entries of the log, and the cursor after them: the log's end, where there are no more of those asked for.

    `last`: the log's end when they were read."""

    changes: Sequence[Change]
    end: int
    last: int


def append(cursor: Any, account_id: UUID, entries: Sequence[Entry]) -> int:
    """Append (object_type, object_id, kind) rows in the caller's database transaction and return the log's last seq.

    `cursor` is any cursor on it (Django's or psycopg2's). The account's row stays locked until the caller commits.
    """
    cursor.execute(_NEXT, [len(entries), str(account_id)])
    last, mark, application_id = cursor.fetchone()
    account, seq = account_id.bytes, count(last - len(entries) + 1)
    rows = [
        _row(account, next(seq), mark, object_id.bytes) + binary.text(object_type) + binary.text(kind)
        for object_type, object_id, kind in entries
    ]
    copy_binary(cursor, "mail_transaction", _COLUMNS, rows)
    bell.ring_after_commit(application_id, account_id, last)
    return int(last)


def read(account_id: UUID, after: int, limit: int, types: Collection[str] | None = None) -> Page:
    """Rows with seq > after, in order, at most `limit`; of these object types alone, if any are told.

    Raises CursorExpired, CursorInvalid, Account.DoesNotExist."""
    values: dict[str, Any] = {
        "account": account_id,
        "after": after,
        "limit": limit,
        "types": None if types is None else [*types],
    }
    with connection.cursor() as cursor:
        cursor.execute(_READ, values)
        rows = cursor.fetchall()
    if not rows:
        raise Account.DoesNotExist
    floor, last = rows[0][:2]
    if after < floor:
        raise CursorExpired(floor)
    if after > last:
        raise CursorInvalid(f"cursor {after} is ahead of the log, which ends at {last}")
    found = [Change(*row[2:]) for row in rows if row[2] is not None]
    return Page(found, found[-1].seq if len(found) == limit else last, last)


def since(account_id: UUID, time: datetime) -> int:
    """The cursor after which are all changes from this time on. Raises CursorExpired where some may have expired.

    A change has the time at which its transaction began, which may be earlier than that of the one before it."""
    with connection.cursor() as cursor:
        cursor.execute(_SINCE, {"account": account_id, "time": time})
        floor, last, first = cursor.fetchone()
    found = last if first is None else first - 1
    if floor and found == floor and time < timezone.now() - AGE:
        raise CursorExpired(floor)
    return int(found)


def latest(account_id: UUID) -> int:
    """The log's last seq; 0 for an empty log."""
    return Account.objects.values_list("log_seq", flat=True).get(id=account_id)


def expire(account_id: UUID, before: datetime) -> int:
    """Delete rows older than `before`, oldest first and without a hole, but none the search index has yet to consume.
    Returns how many went."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE accounts_account account SET log_floor = new.floor, log_floor_mark = coalesce(
                (SELECT mark FROM mail_transaction t WHERE t.account_id = account.id AND t.seq = new.floor),
                account.log_floor_mark)
            FROM (SELECT a.id, greatest(a.log_floor, least(a.search_seq, coalesce(
                    (SELECT seq - 1 FROM mail_transaction t WHERE t.account_id = a.id AND t.created_at >= %s
                     ORDER BY seq LIMIT 1), a.log_seq))) AS floor
                  FROM accounts_account a WHERE a.id = %s FOR NO KEY UPDATE) new
            WHERE account.id = new.id RETURNING log_floor
            """,
            [before, account_id],
        )
        (floor,) = cursor.fetchone()
        cursor.execute("DELETE FROM mail_transaction WHERE account_id = %s AND seq <= %s", [account_id, floor])
        return int(cursor.rowcount)


def expire_all(before: datetime) -> int:
    """`expire` for every account whose oldest row is that old."""
    oldest = Transaction.objects.filter(account_id=OuterRef("id"), seq=OuterRef("log_floor") + 1, created_at__lt=before)
    aged = Account.objects.filter(Exists(oldest))
    return sum(expire(account_id, before) for account_id in aged.values_list("id", flat=True))


def distinct(entries: Iterable[Entry]) -> list[Entry]:
    """The entries without doubles, in order; an object that is created and updated at once is created."""
    seen: dict[tuple[str, UUID], str] = {}
    for object_type, object_id, kind in entries:
        known = seen.get((object_type, object_id))
        if known is None or (kind == "deleted" and known != "deleted"):
            seen[object_type, object_id] = kind
    return [(object_type, object_id, kind) for (object_type, object_id), kind in seen.items()]
