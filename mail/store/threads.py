"""Look-ups that threading decides from."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from mail.copying import array, plain_array
from mail.models import Message, Thread
from mail.types import SubjectCandidate

SUBJECT_CANDIDATES = 501  # of one subject; threading joins none that more share

# Whether the account has any thread of the provider's is asked once, of an index that has nothing else.
_CANDIDATES = """
SELECT m.* FROM unnest(%(keys)s::bigint[]) AS wanted(key) CROSS JOIN LATERAL (
    SELECT thread_id, subject_key, is_reply, has_references, participants, received_at FROM mail_message m
    WHERE account_id = %(account)s AND subject_key = wanted.key AND received_at BETWEEN %(first)s AND %(last)s AND NOT (
        (SELECT EXISTS (SELECT 1 FROM mail_thread WHERE account_id = %(account)s AND provider_key IS NOT NULL)) AND
        EXISTS (SELECT 1 FROM mail_thread t WHERE t.id = m.thread_id AND t.provider_key IS NOT NULL))
    ORDER BY received_at DESC LIMIT %(limit)s
) m
"""


def thread_links(account_id: UUID, digests: Collection[bytes]) -> dict[bytes, UUID]:
    """Message-ID digests that the account has seen -> their threads."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT digest, thread_id FROM mail_threadlink WHERE account_id = %s AND digest = ANY(%s::bytea[])",
            [account_id, array("\\x" + digest.hex() for digest in digests)],
        )
        return {bytes(digest): thread for digest, thread in cursor.fetchall()}


def threads_by_provider_key(account_id: UUID, keys: Collection[str]) -> dict[str, UUID]:
    """Threads of these provider ids."""
    if not keys:
        return {}
    found = Thread.objects.filter(account_id=account_id, provider_key__in=list(keys)).values_list("provider_key", "id")
    return {key: thread for key, thread in found if key is not None}


def provider_key_of(account_id: UUID, header_ids: Collection[str]) -> str:
    """The provider's id of the thread that the newest of these messages is in; "" where it made none."""
    known = Message.objects.filter(account_id=account_id, header_id__in=list(header_ids))
    keys = known.exclude(thread__provider_key=None).values_list("thread__provider_key", flat=True)
    return keys.order_by("-received_at").first() or ""


def subject_candidates(
    account_id: UUID, keys: Collection[int], around: Collection[datetime], window: timedelta
) -> list[SubjectCandidate]:
    """Mirrored messages with one of the subject keys, within the window around the given dates; none of a thread
    that the provider made, which takes what the provider gives it and nothing else."""
    if not keys:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            _CANDIDATES,
            {
                "account": account_id,
                "keys": plain_array(keys),
                "first": min(around) - window,
                "last": max(around) + window,
                "limit": SUBJECT_CANDIDATES,
            },
        )
        return [
            SubjectCandidate(thread, key, is_reply, has_references, frozenset(participants), received_at)
            for thread, key, is_reply, has_references, participants, received_at in cursor.fetchall()
        ]
