"""The index's consumer of the change log: writes the words and the body of each message that the log says was created.

Any number of workers may run: documents are written once whoever comes first, and search_seq moves on by
compare-and-set. No lock is held while a message is read, and none on the account while documents are written: the sync
waits for nobody here.
"""

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db import connection
from django.db.models import F
from psycopg2.extras import execute_values

from accounts.models import Account
from mail import bodies
from mail.mime import visible_text
from mail.models import Message, Transaction
from mail.search.vector import vector

_SHARE = 50  # log entries that each account gets at least in a round, so that many accounts do not mean tiny batches

# The join leaves out messages that are gone meanwhile; rows in the order of ids, so that two workers cannot deadlock.
_INSERT = """
    INSERT INTO mail_searchdocument (message_id, account_id, document)
    SELECT message.id, message.account_id, new.document::tsvector
    FROM (VALUES %s) AS new (id, document) JOIN mail_message message ON message.id = new.id::uuid
    ORDER BY message.id FOR KEY SHARE OF message
    ON CONFLICT DO NOTHING
"""


def lag(account_id: UUID) -> int:
    """How many entries of the change log the index is behind. Raises Account.DoesNotExist."""
    log_seq, search_seq = Account.objects.values_list("log_seq", "search_seq").get(pk=account_id)
    return log_seq - search_seq


def index_pending(limit: int) -> int:
    """Index one round over all accounts that are behind, at most `limit` log entries (and one account's share more).

    Returns how many entries were consumed: 0 when everything is indexed. Accounts take part in random order with equal
    shares, so that one large mailbox keeps nobody waiting.
    """
    behind = Account.objects.present().filter(search_seq__lt=F("log_seq")).order_by("?")
    accounts = list(behind.values_list("pk", flat=True)[: max(1, limit // _SHARE)])
    consumed = 0
    for account_id in accounts:
        if consumed >= limit:
            break
        consumed += index_account(account_id, max(_SHARE, limit // len(accounts)))
    return consumed


def index_account(account_id: UUID, limit: int = 500) -> int:
    """Index what the account's next `limit` log entries created.

    Returns how many entries were consumed; 0: nothing to do, the account is gone, or another worker was faster.
    """
    done = Account.objects.filter(pk=account_id).values_list("search_seq", flat=True).first()
    if done is None:
        return 0
    entries = Transaction.objects.filter(account_id=account_id, seq__gt=done).order_by("seq")
    batch = list(entries.values_list("seq", "object_type", "object_id", "kind")[:limit])
    if not batch:
        return 0
    _write([object_id for _, kind_of, object_id, kind in batch if (kind_of, kind) == ("message", "created")])
    moved = Account.objects.filter(pk=account_id, search_seq=done).update(search_seq=batch[-1][0])
    return len(batch) * moved


def _write(message_ids: Sequence[UUID]) -> None:
    """A page of 50 documents is one statement: at half a megabyte each, more would not fit into a worker."""
    with connection.cursor() as cursor:
        execute_values(cursor.cursor, _INSERT, _documents(message_ids), page_size=50)


def _documents(message_ids: Sequence[UUID]) -> Iterator[tuple[str, str]]:
    """(message id, tsvector literal) of those of the messages that still exist."""
    for messages in bodies.groups(Message.objects.filter(pk__in=message_ids).order_by("pk")):
        shown = bodies.settle(messages)
        for message in messages:
            text = visible_text(shown.get(message.pk, bodies.EMPTY).parsed())
            yield str(message.pk), vector([*_header_fields(message), ("D", text), *_file_names(message)])


def _header_fields(message: Message) -> Iterator[tuple[str, str]]:
    yield "A", message.subject
    for address in message.from_addresses:
        yield "B", f"{address['name']} {address['email']}"
    for address in [*message.to_addresses, *message.cc_addresses, *message.bcc_addresses]:
        yield "C", f"{address['name']} {address['email']}"


def _file_names(message: Message) -> Iterator[tuple[str, str]]:
    for attachment in message.attachments:
        yield "D", attachment["filename"]
