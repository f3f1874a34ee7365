"""The change log: append under the account's row lock, read since a cursor.

seq is dense and in commit order because the row lock that hands it out is held until commit: a reader that asks for
`seq > cursor` can miss nothing, and can check that it did not.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Exists, OuterRef

from accounts.models import Account
from mail import binary
from mail.copying import copy_binary
from mail.models import Transaction

Entry = tuple[str, UUID, str]  # object_type, object_id, kind

_COLUMNS = ("account_id", "seq", "object_id", "object_type", "kind")
_row = binary.Beginning(len(_COLUMNS), ("16s", "q", "16s"))


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


def append(cursor: Any, account_id: UUID, entries: Sequence[Entry]) -> int:
    """Append (object_type, object_id, kind) rows in the caller's database transaction and return the log's last seq.

    `cursor` is any cursor on it (Django's or psycopg2's). The account's row stays locked until the caller commits.
    """
    cursor.execute(
        "UPDATE accounts_account SET log_seq = log_seq + %s, last_change_at = now() WHERE id = %s RETURNING log_seq",
        [len(entries), str(account_id)],
    )
    last = int(cursor.fetchone()[0])
    account, seq = account_id.bytes, count(last - len(entries) + 1)
    rows = [
        _row(account, next(seq), object_id.bytes) + binary.text(object_type) + binary.text(kind)
        for object_type, object_id, kind in entries
    ]
    copy_binary(cursor, "mail_transaction", _COLUMNS, rows)
    return last


def read(account: Account, after: int, limit: int) -> list[Change]:
    """Rows with seq > after, in order, at most `limit`. Raises CursorExpired, CursorInvalid.

    The floor is read after the rows: expiry that runs in between is seen as such, never as a gap.
    """
    rows = Transaction.objects.filter(account_id=account.id, seq__gt=after).order_by("seq")[:limit]
    found = [Change(row.seq, row.object_type, row.object_id, row.kind, row.created_at) for row in rows]
    floor, last = Account.objects.values_list("log_floor", "log_seq").get(id=account.id)
    if after < floor:
        raise CursorExpired(floor)
    if after > last:
        raise CursorInvalid(f"cursor {after} is ahead of the log, which ends at {last}")
    return found


def latest(account_id: UUID) -> int:
    """The log's last seq; 0 for an empty log."""
    return Account.objects.values_list("log_seq", flat=True).get(id=account_id)


def expire(account_id: UUID, before: datetime) -> int:
    """Delete rows older than `before`, oldest first and without a hole, but none the search index has yet to consume.
    Returns how many went."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE accounts_account a SET log_floor = greatest(a.log_floor, least(a.search_seq, coalesce(
                (SELECT seq - 1 FROM mail_transaction t WHERE t.account_id = a.id AND t.created_at >= %s
                 ORDER BY seq LIMIT 1), a.log_seq)))
            WHERE id = %s RETURNING log_floor
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
