"""Messages that have their ids from here, and what their servers call them.

A server that numbers messages, or threads, numbers one that was made here once it has it. Its id stays, in here.
"""

from collections.abc import Iterable
from uuid import UUID, uuid4

from mail.copying import plain_array
from mail.models import Message, Thread, ThreadLink
from mail.store.batch import Batch
from mail.types import Tie

# The first name counts: a server may make another of a copy. One that is another message's already is that one's.
_TIE = """
UPDATE mail_message m SET alias = new.alias FROM unnest(%s::uuid[], %s::uuid[]) AS new(message, alias)
WHERE m.id = new.message AND m.alias IS NULL
  AND NOT EXISTS (SELECT 1 FROM mail_message o WHERE o.id = new.alias OR o.alias = new.alias)
RETURNING m.id
"""


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
