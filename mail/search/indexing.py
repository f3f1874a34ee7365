"""The index's consumer of the change log: writes the words and the body of each message that the log says was created,
and the bounce that it tells of.

Any number of workers may run: documents are written once whoever comes first, and search_seq never moves back.
No lock is held while a message is read, and none on the account while documents are written: the sync waits for nobody.

A process may die of a message. Every try of a batch is counted until one gets through it or fails alive; after two that
did neither its messages are read one by one, by one process at a time, and the one of which that dies is passed.
"""

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from django.db import DatabaseError, connection
from django.db.models import F
from django.db.models.functions import Greatest, Now
from psycopg2.extras import execute_values

from accounts.models import Account
from mail import bodies, bounces, store
from mail.bodies import CAUTION
from mail.mime import visible_text
from mail.models import Message, Transaction
from mail.search.vector import vector
from mail.types import Bounce, Octets

log = logging.getLogger(__name__)

# Seconds before messages are read one by one, and between such tries; who reads one for longer is taken for dead.
REST = 120.0
_POISON = "the worker died while it read the body, more than once; it is shown as empty, and its words are not found"

_SHARE = 50  # log entries that each account gets at least in a round, so that many accounts do not mean tiny batches

_BEGIN = """
    UPDATE accounts_account SET search_tries = least(search_tries + 1, 1000), search_tried_at = now()
    WHERE id = %s AND search_seq < log_seq
      AND (search_tries < %s OR search_tried_at < now() - make_interval(secs => %s))
    RETURNING search_seq, search_tries
"""

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

    Returns how many entries were consumed; 0: nothing to do, the account is gone or rests since processes died, or
    another worker was faster.
    """
    done, tries = _begin(account_id)
    if not tries:
        return 0
    entries = Transaction.objects.filter(account_id=account_id, seq__gt=done).order_by("seq")
    batch = list(entries.values_list("seq", "object_type", "object_id", "kind")[:limit])
    if not batch:  # the account is being removed
        return 0
    created = {object_id: seq for seq, *what, object_id, kind in batch if (*what, kind) == ("message", "created")}
    try:
        if tries <= CAUTION:
            _write(list(created))
        else:
            _write_singly(account_id, created, died=tries > CAUTION + 1)
    except Exception:
        with contextlib.suppress(DatabaseError):
            Account.objects.filter(pk=account_id).update(search_tries=Greatest(F("search_tries") - 1, 0))
        raise
    last = batch[-1][0]
    moved = Account.objects.filter(pk=account_id, search_seq__lte=last).update(search_seq=last, search_tries=0)
    return len(batch) * moved


def _begin(account_id: UUID) -> tuple[int, int]:
    """search_seq, and the number of this try to get further; 0: nobody is to try now."""
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, [account_id, CAUTION, REST])
        done, tries = cursor.fetchone() or (0, 0)
        return done, tries


def _write_singly(account_id: UUID, created: Mapping[UUID, int], *, died: bool) -> None:
    """Messages with their places in the log, which is consumed up to each as soon as that is written: a process that
    dies has died of the next one. `died`: one has, of the first of these."""
    for message_id, seq in created.items():
        if died:
            _pass(account_id, message_id)
        else:
            _write([message_id])
        died = False
        Account.objects.filter(pk=account_id, search_seq__lt=seq).update(
            search_seq=seq, search_tries=CAUTION + 1, search_tried_at=Now()
        )


def _pass(account_id: UUID, message_id: UUID) -> None:
    """Leave a message with an empty body, unless it has one, and the words of its header."""
    log.warning("account %s: message %s: %s", account_id, message_id, _POISON)
    with contextlib.suppress(Account.DoesNotExist), store.beside(account_id) as batch:
        if store.add_problem(batch, message_id, _POISON):
            bodies.keep({message_id: bodies.EMPTY})
            _insert([_document(message, "") for message in Message.objects.filter(pk=message_id)])


def _write(message_ids: Sequence[UUID]) -> None:
    """A page of 50 documents is one statement: at half a megabyte each, more would not fit into a worker."""
    _insert(_documents(message_ids))


def _insert(documents: Iterable[tuple[str, str]]) -> None:
    with connection.cursor() as cursor:
        execute_values(cursor.cursor, _INSERT, documents, page_size=50)


def _documents(message_ids: Sequence[UUID]) -> Iterator[tuple[str, str]]:
    """(message id, tsvector literal) of those of the messages that still exist."""
    for messages in bodies.groups(Message.objects.filter(pk__in=message_ids).order_by("pk")):
        shown = _settle(messages)
        for message in messages:
            yield _document(message, visible_text(shown.get(message.pk, bodies.EMPTY).parsed()))


def _settle(messages: Sequence[Message]) -> dict[UUID, bodies.Body]:
    """Bodies of an account's messages. Those that look like notifications are read for bounces, too."""
    found: dict[UUID, Bounce] = {}

    def look(message_id: UUID, content: Octets) -> None:
        if bounce := bounces.find(content):
            found[message_id] = bounce

    shown = bodies.settle(messages, look, {message.pk for message in messages if _may_be_bounce(message)})
    if found:
        with contextlib.suppress(Account.DoesNotExist):
            store.record_bounces(messages[0].account_id, found)
    return shown


def _may_be_bounce(message: Message) -> bool:
    return bounces.may_be(
        (address["email"] for address in message.from_addresses),
        (attachment["content_type"] for attachment in message.attachments),
    )


def _document(message: Message, text: str) -> tuple[str, str]:
    return str(message.pk), vector([*_header_fields(message), ("D", text), *_file_names(message)])


def _header_fields(message: Message) -> Iterator[tuple[str, str]]:
    yield "A", message.subject
    for address in message.from_addresses:
        yield "B", f"{address['name']} {address['email']}"
    for address in [*message.to_addresses, *message.cc_addresses, *message.bcc_addresses]:
        yield "C", f"{address['name']} {address['email']}"


def _file_names(message: Message) -> Iterator[tuple[str, str]]:
    for attachment in message.attachments:
        yield "D", attachment["filename"]
