"""Packs that are mostly waste, and many small ones of one account, become one new pack.

The account's lease is not needed. A pack's contents never change and no message comes to it later, so a place may be
moved by whoever finds it still in the old pack. The account's row is locked meanwhile, as every writer of the account
does, so that none wait for each other in a circle.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from mail.models import SMALL_PACK, Message
from mail.raw.packing import Content, Packed, columns, pack
from mail.raw.reading import PLACES, intact_raws
from mail.raw.rotation import bounds
from mail.raw.writing import forget, keep, put, remove_object

MANY = 50  # small packs of one account that are too many
_ACCOUNTS = 10  # of each kind in a run
_PACKS = 200  # of one account in a run
_OCTETS = 8 * 1024 * 1024  # contents of a new pack, unless one of the old ones has more

_WASTEFUL = """
SELECT account_id, array_agg(id ORDER BY created_at) FROM (
    SELECT p.account_id, p.id, p.created_at, sum(p.octets - p.wasted) OVER older AS sum,
           row_number() OVER older AS number
    FROM mail_pack p
    WHERE p.wasted > p.octets / 2 AND p.account_id IN (
        SELECT DISTINCT account_id FROM (SELECT account_id FROM mail_pack WHERE wasted > octets / 2 LIMIT 1000) few
        LIMIT %(accounts)s)
    WINDOW older AS (PARTITION BY p.account_id ORDER BY p.created_at, p.id)
) ranked WHERE number = 1 OR (number <= %(packs)s AND sum <= %(octets)s) GROUP BY account_id
"""
_SMALL = f"""
SELECT account_id, ids[1:%(packs)s] FROM (
    SELECT account_id, array_agg(id ORDER BY created_at, id) AS ids FROM mail_pack
    WHERE octets < {SMALL_PACK} AND account_id BETWEEN %(low)s AND %(high)s
    GROUP BY account_id HAVING count(*) > %(many)s LIMIT %(accounts)s
) crowded
"""  # noqa: S608 -- a constant, written out, or the partial index is not seen to fit


def repack_some(part: int) -> int:
    """Pack anew what is wasteful, anywhere, and what is small, in a part of the accounts. Returns how many packs went.
    Bounded: at most some 80 MB are read. Raises StoreUnavailable."""
    low, high = bounds(part)
    limits: dict[str, int | UUID] = {
        "accounts": _ACCOUNTS,
        "packs": _PACKS,
        "octets": _OCTETS,
        "many": MANY,
        "low": low,
        "high": high,
    }
    with connection.cursor() as cursor:
        cursor.execute(_WASTEFUL, limits)
        wasteful = cursor.fetchall()
        cursor.execute(_SMALL, limits)
        small = cursor.fetchall()
    done: set[UUID] = set()
    for account_id, packs in chain(wasteful, small):
        if done.isdisjoint(packs) and repack(account_id, packs):
            done.update(packs)
    return len(done)


@dataclass(frozen=True, slots=True)
class _Contents:
    """Of old packs. `unread`: messages of which something cannot be read any more."""

    contents: list[Content]
    unread: set[UUID]


def repack(account_id: UUID, packs: Sequence[UUID]) -> bool:
    """Move what messages need of these packs of an account into a new one, and delete them. False: others were faster,
    or the account goes. Raises StoreUnavailable."""
    found = _read(packs)
    packed = keep(account_id, pack(found.contents))
    done = used = False
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM accounts_account WHERE id = %s AND removed_at IS NULL FOR NO KEY UPDATE", [account_id]
        )
        if cursor.fetchone():
            cursor.execute("SELECT id FROM mail_pack WHERE id = ANY(%s) FOR UPDATE", [list(packs)])
            done = len(cursor.fetchall()) == len(packs)
        if done:
            used = _move(cursor.cursor, account_id, packs, packed, found.unread)
    if packed.store and not used:
        remove_object(packed.store, account_id, packed.id)
    return done


def _read(packs: Sequence[UUID]) -> _Contents:
    """Read once: whoever comes to a pack later finds its messages in `messages`; none are added to a pack."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT unnest(messages) FROM mail_pack WHERE id = ANY(%s)", [list(packs)])
        members = [message for (message,) in cursor.fetchall()]
    rows = list(Message.objects.filter(id__in=members, pack__in=list(packs)).only(*PLACES))
    raws = intact_raws(rows)
    return _Contents([Content(row.pk, raws.get(row.pk, b"")) for row in rows], {row.pk for row in rows} - raws.keys())


def _move(cursor: Any, account_id: UUID, packs: Sequence[UUID], packed: Packed, unread: Collection[UUID]) -> bool:
    """Give messages that are still in the old packs their new places. Whether there are any."""
    cursor.execute(
        "UPDATE mail_message m SET pack_id = %s, raw_at = new.raw_at, raw_size = new.raw_size, "
        "lost_at = coalesce(m.lost_at, CASE WHEN m.id = ANY(%s::uuid[]) THEN now() END) "
        "FROM unnest(%s::uuid[], %s::bigint[], %s::bigint[]) AS new(id, raw_at, raw_size) "
        "WHERE m.id = new.id AND m.pack_id = ANY(%s::uuid[]) RETURNING m.id",
        [packed.id, list(unread), *columns(packed.places), list(packs)],
    )
    moved = {message for (message,) in cursor.fetchall()}
    if moved:
        gone = packed.places.keys() - moved
        put(cursor, account_id, packed, wasted=sum(packed.places[message][1] for message in gone))
    forget(cursor, packs)
    return bool(moved)
