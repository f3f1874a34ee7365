"""The change logs of all accounts of an application as one feed, with one cursor and without a gap.

Accounts write their logs beside each other, and a number that tells the order in which they commit would have all of
them wait for one another. Instead each row has a mark: the number of the transaction that wrote it (xid8, which never
comes again), or that of the row before it in its account's log, if that is higher. So marks never fall within an
account, and what is still being written has a mark of at least the oldest transaction that runs: every mark below that
is complete.

A reader goes through the marks by rounds. A round is of all marks above `low` up to `high`, which is complete; within
it come the accounts in the order of their ids, and of each its rows in order. Marks need no index: a log is ordered by
them, so the first row of a round is found by halving.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection, transaction

from mail.changes import Change, CursorExpired

_ACCOUNTS = 50  # that are looked at together
_LEAST = UUID(int=0)
_MARK = "{} + coalesce((SELECT value FROM mail_markoffset), 0)"

# Below it all is committed or gone. Who only reads has no number, and holds nobody up.
_COMPLETE = f"SELECT {_MARK.format('pg_snapshot_xmin(pg_current_snapshot())::text::bigint')} - 1"
_CHANGED = """
    SELECT id, log_floor, log_seq, log_floor_mark, log_mark FROM accounts_account
    WHERE application_id = %(application)s AND log_mark > %(low)s AND id >= %(first)s ORDER BY id LIMIT %(limit)s
"""
# The last row of each log that is not above the mark: in 20 steps among a million, for all logs together.
_HALVED = """
    WITH RECURSIVE halved (id, low, high) AS (
        SELECT * FROM unnest(%(ids)s::uuid[], %(floors)s::bigint[], %(ends)s::bigint[])
        UNION ALL
        SELECT id, CASE WHEN below THEN middle ELSE low END, CASE WHEN below THEN high ELSE middle - 1 END
        FROM (
            SELECT halved.*, middle, (
                SELECT t.mark <= %(mark)s FROM mail_transaction t WHERE t.account_id = id AND t.seq = middle
            ) AS below
            FROM halved, LATERAL (SELECT (low + high + 1) / 2) AS m (middle) WHERE low < high
        ) AS half
    )
    SELECT id, low FROM halved WHERE low = high
"""
_ROWS = """
    SELECT t.account_id, t.seq, t.object_type, t.object_id, t.kind, t.created_at
    FROM unnest(%(ids)s::uuid[], %(read)s::bigint[]) WITH ORDINALITY AS log (id, read, number)
    CROSS JOIN LATERAL (
        SELECT * FROM mail_transaction t
        WHERE t.account_id = log.id AND t.seq > log.read AND t.mark <= %(mark)s
        AND (%(types)s::text[] IS NULL OR t.object_type = ANY(%(types)s::text[]))
        ORDER BY t.seq LIMIT %(limit)s
    ) t
    ORDER BY log.number, t.seq LIMIT %(limit)s
"""
# A database that was restored from a dump counts its transactions from the beginning.
_ALIGN = f"""
    INSERT INTO mail_markoffset (id, value)
    SELECT true, gap.marks FROM (
        SELECT max(log_mark) - ({_MARK.format("pg_current_xact_id()::text::bigint")}) AS marks FROM accounts_account
    ) gap
    WHERE gap.marks > 0
    ON CONFLICT (id) DO UPDATE SET value = mail_markoffset.value + excluded.value
"""  # noqa: S608 -- constants


class Place(NamedTuple):
    """How far a reader is: all marks up to `low` are read. In a round up to `high`: so are all accounts before this
    one, and of this one the rows up to `seq`."""

    low: int
    high: int = 0
    account_id: UUID | None = None
    seq: int = 0


BEGINNING = Place(-1)


class Entry(NamedTuple):
    """A change of one of the accounts."""

    account_id: UUID
    change: Change
    place: Place  # that is reached with it


@dataclass(frozen=True, slots=True)
class Page:
    """Entries, and the place after them. `pending`: there are changes beyond it, which may not be complete yet."""

    entries: Sequence[Entry]
    place: Place
    pending: bool


class _Log(NamedTuple):
    id: UUID
    floor: int
    end: int
    floor_mark: int
    mark: int


def latest() -> Place:
    """The feed's end: all that comes is after it."""
    with connection.cursor() as cursor:
        return Place(_complete(cursor))


def read(application_id: UUID, place: Place, limit: int, types: Collection[str] | None = None) -> Page:
    """At most `limit` entries after a place, of these types of objects alone, if any are told. Raises CursorExpired.

    To be called outside of a transaction: all is read of one moment."""
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return _Reading(cursor, application_id, limit, None if types is None else [*types]).page(place)


def align() -> None:
    """Marks go on where they were, also in a database that was restored from a dump. Its readers begin again: what they
    read after the dump was made is gone, and so may be, for them, what is written before this."""
    with connection.cursor() as cursor:
        cursor.execute(_ALIGN)


class _Reading:
    def __init__(self, cursor: Any, application_id: UUID, limit: int, types: list[str] | None) -> None:
        self._cursor = cursor
        self._application_id = application_id
        self._limit = limit
        self._types = types
        self._entries: list[Entry] = []
        self._pending = False

    def page(self, place: Place) -> Page:
        complete = _complete(self._cursor)
        if place.account_id is not None:
            place = self._round(place)
        if not self._is_full():
            self._pending = False  # of accounts that the round before knew; this one knows all
            place = self._round(Place(place.low, max(place.low, complete), _LEAST))
        return Page(self._entries, place, self._is_full() or self._pending)

    def _is_full(self) -> bool:
        return len(self._entries) == self._limit

    def _round(self, place: Place) -> Place:
        """Read on in a round; returns how far."""
        first = place.account_id or _LEAST
        while True:
            logs = self._changed(place.low, first)
            self._read(place, logs)
            if self._is_full():
                return self._entries[-1].place
            if len(logs) < _ACCOUNTS:
                return Place(place.high)
            first = UUID(int=logs[-1].id.int + 1)

    def _changed(self, low: int, first: UUID) -> list[_Log]:
        values = {"application": self._application_id, "low": low, "first": first, "limit": _ACCOUNTS}
        self._cursor.execute(_CHANGED, values)
        return [_Log(*row) for row in self._cursor.fetchall()]

    def _read(self, place: Place, logs: Sequence[_Log]) -> None:
        """As many entries of these logs as there is room for."""
        self._pending |= any(log.mark > place.high for log in logs)
        read = self._begun(place, logs)
        some: list[UUID] = []
        rows = 0
        for log in logs:
            some.append(log.id)
            rows += log.end - read[log.id]
            if rows >= self._limit - len(self._entries) or log is logs[-1]:
                self._take(place, {each: read[each] for each in some})
                some, rows = [], 0
            if self._is_full():
                return

    def _take(self, place: Place, read: Mapping[UUID, int]) -> None:
        values: dict[str, Any] = {"ids": [*read], "read": [*read.values()], "mark": place.high, "types": self._types}
        self._cursor.execute(_ROWS, values | {"limit": self._limit - len(self._entries)})
        for account_id, *row in self._cursor.fetchall():
            change = Change(*row)
            self._entries.append(Entry(account_id, change, place._replace(account_id=account_id, seq=change.seq)))

    def _begun(self, place: Place, logs: Sequence[_Log]) -> dict[UUID, int]:
        """Up to where each of the logs is read. Raises CursorExpired."""
        found = {log.id: log.floor for log in logs}
        new = [log for log in logs if log.id != place.account_id]
        if len(new) < len(logs):
            found[logs[0].id] = place.seq
            if place.seq < logs[0].floor:
                raise CursorExpired(logs[0].floor)
        if place.low < 0:
            return found  # from the beginning of what is there
        for log in new:
            if log.floor_mark > place.low:
                raise CursorExpired(log.floor)
        values = {
            "ids": [log.id for log in new],
            "floors": [log.floor for log in new],
            "ends": [log.end for log in new],
        }
        self._cursor.execute(_HALVED, values | {"mark": place.low})
        return found | dict(self._cursor.fetchall())


def _complete(cursor: Any) -> int:
    cursor.execute(_COMPLETE)
    return int(cursor.fetchone()[0])
