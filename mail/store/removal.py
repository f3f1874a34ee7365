"""Deleting accounts whose removal was asked for: in small steps, so that no table is locked for long."""

from uuid import UUID

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from accounts.models import Account
from mail import raw

_CHUNK = 2000
_PACKS = 20
# Children first. Each is emptied by its own short transactions.
_BY_MESSAGE = ("mail_location", "mail_searchdocument", "mail_body")
_BY_ACCOUNT = ("mail_action", "mail_bounce", "mail_outgoing", "mail_threadlink")


def remove_accounts(limit: int = 10) -> int:
    """Delete everything of up to `limit` removed accounts but their change logs, and accounts whose logs have expired.
    Returns how many were emptied; safe to interrupt and repeat."""
    removed = Account.objects.exclude(removed_at=None)
    accounts = list(removed.filter(emptied_at=None).values_list("id", flat=True)[:limit])
    for account_id in accounts:
        _empty(account_id)
    removed.filter(emptied_at__isnull=False, log_floor=F("log_seq")).delete()
    return len(accounts)


def _empty(account_id: UUID) -> None:
    while _remove_messages(account_id):
        pass
    for table in _BY_ACCOUNT:
        while _execute(
            f"DELETE FROM {table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {table} WHERE account_id = %s LIMIT %s))",  # noqa: S608
            account_id,
            _CHUNK,
        ):
            pass
    while _remove_packs(account_id):
        pass
    _execute("DELETE FROM mail_gap WHERE folder_id IN (SELECT id FROM mail_folder WHERE account_id = %s)", account_id)
    for table in ("mail_thread", "mail_folder"):
        _execute(f"DELETE FROM {table} WHERE account_id = %s", account_id)  # noqa: S608 -- constants
    Account.objects.filter(id=account_id).update(
        emptied_at=timezone.now(),
        email="",
        name="",
        settings={},
        reason="",
        last_error="",
        search_seq=F("log_seq"),  # or its log would never expire
    )


def _remove_messages(account_id: UUID) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM mail_message WHERE account_id = %s LIMIT %s", [account_id, _CHUNK])
        messages = [message for (message,) in cursor.fetchall()]
        for table in _BY_MESSAGE:
            cursor.execute(f"DELETE FROM {table} WHERE message_id = ANY(%s)", [messages])  # noqa: S608 -- constants
        cursor.execute("DELETE FROM mail_message WHERE id = ANY(%s)", [messages])
    return len(messages)


def _remove_packs(account_id: UUID) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT id FROM mail_pack WHERE account_id = %s LIMIT %s", [account_id, _PACKS])
        packs = [pack for (pack,) in cursor.fetchall()]
        raw.forget(cursor, packs)
    return len(packs)


def _execute(statement: str, *parameters: UUID | int) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)
