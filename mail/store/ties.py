"""Messages that have their ids from here, and what their servers call them.

A server that numbers messages, or threads, numbers one that was made here once it has it. Its id stays, in here.
"""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid4

from django.db import connection

from mail.copying import array, plain_array
from mail.models import Message, Thread, ThreadLink
from mail.store.batch import Batch
from mail.store.rows import has_attachments
from mail.types import Arrival, Tie

# The first name counts: a server may make another of a copy. One that is another message's already is that one's.
_TIE = """
UPDATE mail_message m SET alias = new.alias FROM unnest(%s::uuid[], %s::uuid[]) AS new(message, alias)
WHERE m.id = new.message AND m.alias IS NULL
  AND NOT EXISTS (SELECT 1 FROM mail_message o WHERE o.id = new.alias OR o.alias = new.alias)
RETURNING m.id
"""


# Drafts are left out: of one that another program changed the date may be the same.
_UNFILED = """
SELECT m.header_id, m.sent_at, m.id, a.folders[1], m.received_at
FROM mail_action a JOIN mail_message m ON m.id = a.message_id
WHERE a.account_id = %s AND a.state = 'pending' AND a.kind = 'append' AND NOT m.draft
  AND m.header_id <> '' AND m.sent_at IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM mail_location l WHERE l.message_id = m.id)
"""
_RENEW = """
UPDATE mail_message m SET digest = new.digest, size = new.size, attachments = new.attachments::jsonb,
    has_attachments = new.has_attachments
FROM unnest(%s::uuid[], %s::bytea[], %s::bigint[], %s::text[], %s::bool[])
    AS new(id, digest, size, attachments, has_attachments)
WHERE m.id = new.id AND m.digest <> new.digest RETURNING m.id, m.thread_id, m.hidden
"""


class Unfiled(NamedTuple):
    """A copy of what was sent that is in no folder of the server yet, and is to be in this one."""

    message: UUID
    folder: UUID
    received_at: datetime


def unfiled(account_id: UUID) -> dict[tuple[str, datetime], Unfiled]:
    """Those of an account, by Message-ID and date."""
    with connection.cursor() as cursor:
        cursor.execute(_UNFILED, [account_id])
        return {(header_id, sent_at): Unfiled(*facts) for header_id, sent_at, *facts in cursor.fetchall()}


def renew(batch: Batch, told: Mapping[UUID, Arrival]) -> None:
    """These messages' contents are their servers' from here on (add_arrivals); attachments are found in them."""
    if not told:
        return
    parsed = [each.parsed for each in told.values() if each.parsed]
    batch.cursor.execute(
        _RENEW,
        [
            plain_array(told),
            array("\\x" + each.digest.hex() for each in told.values()),
            plain_array(each.size for each in told.values()),
            array(json.dumps([file._asdict() for file in each.attachments]) for each in parsed),
            plain_array(has_attachments(each) for each in parsed),
        ],
    )
    for message, thread, is_hidden in batch.cursor.fetchall():
        batch.threads.add(thread)
        if not is_hidden:
            batch.log("message", message, "updated")


def tie(batch: Batch, ties: Iterable[Tie]) -> None:
    """Know messages by their servers' names from here on, and show them in the threads that their servers have them
    in. Those that have a name are left alone."""
    named = {each.alias: each for each in ties}
    if not named:
        return
    messages = {each.message: alias for alias, each in named.items()}
    batch.cursor.execute(_TIE, [plain_array(messages), plain_array(messages.values())])
    for (message,) in batch.cursor.fetchall():
        if key := named[messages[message]].thread_key:
            _thread(batch, message, key)


def _thread(batch: Batch, message: UUID, key: str) -> None:
    """The thread stays, and is the server's, unless the server has made one or had that one for another. Nothing else
    leads into it from here on: links are for threads that no server made (mail.threading)."""
    here = Thread.objects.get(messages=message)
    there = Thread.objects.filter(account_id=batch.account_id, provider_key=key).first()
    if there is None and here.provider_key is None:
        Thread.objects.filter(pk=here.pk).update(provider_key=key)
        ThreadLink.objects.filter(account_id=batch.account_id, thread=here).delete()
    elif there is None or there.pk != here.pk:
        into = there.pk if there else _made(batch, here, key)
        if Message.objects.shown().filter(pk=message).exists():
            batch.log("message", message, "updated")
        Message.objects.filter(pk=message).update(thread=into)
        batch.threads |= {here.pk, into}


def _made(batch: Batch, like: Thread, key: str) -> UUID:
    """A thread without messages yet: what it shows follows from them."""
    thread = Thread(
        id=uuid4(), account_id=batch.account_id, provider_key=key, subject=like.subject, earliest_at=like.earliest_at,
        latest_at=like.latest_at,
    )  # fmt: skip
    thread.save(force_insert=True)
    return thread.pk
