"""Look-ups that threading decides from."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from mail.models import Thread
from mail.types import SubjectCandidate

SUBJECT_CANDIDATES = 501  # of one subject; threading joins none that more share


def thread_links(account_id: UUID, digests: Collection[bytes]) -> dict[bytes, UUID]:
    """Message-ID digests that the account has seen -> their threads."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT digest, thread_id FROM mail_threadlink WHERE account_id = %s AND digest = ANY(%s)",
            [account_id, list(digests)],
        )
        return {bytes(digest): thread for digest, thread in cursor.fetchall()}


def threads_by_provider_key(account_id: UUID, keys: Collection[str]) -> dict[str, UUID]:
    """Threads of these provider ids."""
    if not keys:
        return {}
    found = Thread.objects.filter(account_id=account_id, provider_key__in=list(keys)).values_list("provider_key", "id")
    return {key: thread for key, thread in found if key is not None}


def subject_candidates(
    account_id: UUID, keys: Collection[int], around: Collection[datetime], window: timedelta
) -> list[SubjectCandidate]:
    """Mirrored messages with one of the subject keys, within the window around the given dates; none of a thread
    that the provider made, which takes what the provider gives it and nothing else."""
    if not keys:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT m.* FROM unnest(%s::bigint[]) AS wanted(key) CROSS JOIN LATERAL ("
            "SELECT thread_id, subject_key, is_reply, has_references, participants, received_at FROM mail_message m "
            "WHERE account_id = %s AND subject_key = wanted.key AND received_at BETWEEN %s AND %s AND NOT EXISTS ("
            "SELECT 1 FROM mail_thread t WHERE t.id = m.thread_id AND t.provider_key IS NOT NULL) "
            "ORDER BY received_at DESC LIMIT %s) m",
            [list(keys), account_id, min(around) - window, max(around) + window, SUBJECT_CANDIDATES],
        )
        return [
            SubjectCandidate(thread, key, is_reply, has_references, frozenset(participants), received_at)
            for thread, key, is_reply, has_references, participants, received_at in cursor.fetchall()
        ]
