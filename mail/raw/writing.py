"""Packs into PostgreSQL."""

import struct
from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, transaction

from mail.copying import copy_binary
from mail.models import Message
from mail.raw.packing import Packed

_COPY_AT_ONCE = 1024 * 1024  # octets; other greenlets wait (mail.copying)


def put(cursor: Any, account_id: UUID, packed: Packed) -> UUID:
    """Store a pack in the caller's transaction and return its id."""
    pack_id = uuid4()
    cursor.execute(
        "INSERT INTO mail_pack (id, account_id, messages, octets, wasted) VALUES (%s, %s, %s::uuid[], %s, 0)",
        [pack_id, account_id, list(packed.places), packed.octets],
    )
    key = struct.pack(">hi16s", 3, 16, pack_id.bytes)
    for group in _groups(packed.frames):
        rows = (part for start, data in group for part in (key, struct.pack(">iqi", 8, start, len(data)), data))
        copy_binary(cursor, "mail_frame", ("pack_id", "start", "data"), rows)
    return pack_id


def waste(cursor: Any, messages: Collection[UUID]) -> None:
    """The contents of these messages are needed no more: call it before their rows change. A pack that nobody needs
    goes; others are packed anew by mail.raw's upkeep when most of one is waste."""
    cursor.execute(
        "UPDATE mail_pack p SET wasted = wasted + gone.octets FROM ("
        "SELECT pack_id, sum(raw_size + body_size) AS octets FROM mail_message WHERE id = ANY(%s) GROUP BY pack_id"
        ") gone WHERE p.id = gone.pack_id RETURNING p.id, p.wasted >= p.octets",
        [list(messages)],
    )
    empty = [pack for pack, is_empty in cursor.fetchall() if is_empty]
    if empty:
        cursor.execute("DELETE FROM mail_frame WHERE pack_id = ANY(%s)", [empty])
        cursor.execute("DELETE FROM mail_pack WHERE id = ANY(%s)", [empty])


def lose(messages: Collection[UUID]) -> None:
    """Forget contents that were found damaged: the next copy of these messages stores them anew."""
    with transaction.atomic(), connection.cursor() as cursor:
        waste(cursor, messages)
        Message.objects.filter(id__in=list(messages)).update(pack=None, raw_size=0, body_size=0)


def _groups(frames: Iterable[tuple[int, bytes]]) -> Iterable[list[tuple[int, bytes]]]:
    group: list[tuple[int, bytes]] = []
    size = 0
    for frame in frames:
        if group and size + len(frame[1]) > _COPY_AT_ONCE:
            yield group
            group, size = [], 0
        group.append(frame)
        size += len(frame[1])
    if group:
        yield group
