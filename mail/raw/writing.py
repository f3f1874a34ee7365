"""Packs and their waste: what is stored, what goes.

A pack's object is written before the transaction that refers to it, and removed after the one that forgets it. One that
neither reached is an orphan (mail.raw.orphans).
"""

import io
import logging
import struct
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction

from mail.copying import copy_binary, plain_array
from mail.raw.objects import File, key, store_at
from mail.raw.packing import Packed, parts
from mail.raw.spooled import Reader, SpooledFrames
from mail.types import StoreUnavailable

log = logging.getLogger(__name__)

_NULL = struct.pack(">i", -1)
_COLUMNS = ("pack_id", "start", "part", "data", "at", "size")


def keep(account_id: UUID, packed: Packed) -> Packed:
    """Bring a pack's frames to the object store, if the settings name one, and return the pack for `put`.

    Never in a transaction: this is network I/O. Raises StoreUnavailable.
    """
    address: str = settings.SYNCFARM_RAW_STORE
    if not address or not packed.frames:
        return packed
    store_at(address).write(key(account_id, packed.id), _object(packed.frames))
    return replace(packed, store=address)


def _object(frames: Sequence[tuple[int, bytes]] | SpooledFrames) -> File:
    if isinstance(frames, SpooledFrames):
        return Reader(frames.octets)
    return io.BytesIO(b"".join([data for _start, data in frames]))


def put(cursor: Any, account_id: UUID, packed: Packed, *, wasted: int = 0) -> UUID:
    """Store a pack in the caller's transaction and return its id. `cursor` is psycopg2's own; `wasted`: octets of it
    that nobody needs already."""
    cursor.execute(
        "INSERT INTO mail_pack (id, account_id, messages, octets, wasted, store) "
        "VALUES (%s, %s, %s::uuid[], %s, %s, %s)",
        [packed.id, account_id, plain_array(packed.places), packed.octets, wasted, packed.store],
    )
    rows = _rows_of_object(packed) if packed.store else _rows_with_data(packed)
    copy_binary(cursor, "mail_frame", _COLUMNS, rows)
    return packed.id


def waste(cursor: Any, messages: Collection[UUID]) -> None:
    """The raw mail of these messages is needed no more: call it before their rows change. A pack that nobody needs
    goes; others are packed anew when most of one is waste (mail.raw.repacking)."""
    gone = plain_array(messages)
    cursor.execute(
        "UPDATE mail_pack p SET wasted = wasted + gone.octets FROM ("
        "SELECT pack_id, sum(raw_size) AS octets FROM mail_message WHERE id = ANY(%s::uuid[]) "
        "GROUP BY pack_id"
        ") gone WHERE p.id = gone.pack_id RETURNING p.id, p.wasted >= p.octets AND NOT EXISTS ("
        "SELECT 1 FROM mail_message m WHERE m.id = ANY(p.messages) AND m.pack_id = p.id "  # empty ones take no octets
        "AND m.raw_size = 0 AND m.id <> ALL(%s::uuid[]))",
        [gone, gone],
    )
    forget(cursor, [pack for pack, is_empty in cursor.fetchall() if is_empty])


def forget(cursor: Any, packs: Collection[UUID]) -> None:
    """Delete packs in the caller's transaction, and their objects after it."""
    if not packs:
        return
    cursor.execute("DELETE FROM mail_frame WHERE pack_id = ANY(%s::uuid[])", [plain_array(packs)])
    cursor.execute(
        "DELETE FROM mail_pack WHERE id = ANY(%s::uuid[]) RETURNING id, account_id, store", [plain_array(packs)]
    )
    for pack, account_id, store in cursor.fetchall():
        if store:
            transaction.on_commit(partial(remove_object, store, account_id, pack), robust=True)


def remove_object(store: str, account_id: UUID, pack: UUID) -> None:
    """Delete a pack's object that no row refers to. If that fails now, it is an orphan."""
    try:
        store_at(store).remove(key(account_id, pack))
    except StoreUnavailable as error:
        log.info("account %s: the object of pack %s stays for now: %s", account_id, pack, error)


def lose(messages: Collection[UUID]) -> None:
    """Note that the contents of these messages are lost or damaged: the next copy of one is stored anew, and upkeep
    sees to it that there is one. What can still be read of them stays until then.

    Rows that somebody else is changing are left alone: whoever reads them next comes here again.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE mail_message SET lost_at = now() WHERE id IN (SELECT id FROM mail_message "
            "WHERE id = ANY(%s::uuid[]) AND lost_at IS NULL FOR NO KEY UPDATE SKIP LOCKED)",
            [plain_array(messages)],
        )


def _rows_with_data(packed: Packed) -> Iterator[bytes]:
    for start, data in packed.frames:
        for part, piece in enumerate(parts(data)):
            yield _row_begin(packed.id, start, part) + struct.pack(">i", len(piece))
            yield piece
            yield _NULL + _NULL


def _rows_of_object(packed: Packed) -> Iterator[bytes]:
    at = 0
    for start, data in packed.frames:
        yield _row_begin(packed.id, start, 0) + _NULL + struct.pack(">iqii", 8, at, 4, len(data))
        at += len(data)


def _row_begin(pack_id: UUID, start: int, part: int) -> bytes:
    return struct.pack(">hi16siqih", len(_COLUMNS), 16, pack_id.bytes, 8, start + part, 2, part)
