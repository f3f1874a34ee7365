"""What people want of an account: sync it now, pause, resume, remove. A wish is a committed row; a nudge follows.

The nudge only shortens the wait for the dispatcher's tick: losing it, or all of Redis, loses nothing.
"""

import logging
from collections.abc import Iterable
from uuid import UUID

from celery import current_app
from django.db import connection, transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.models import Account, AccountState
from mail import changes

log = logging.getLogger(__name__)

NUDGE = 5.0  # seconds


def request_sync(account_id: UUID) -> bool:
    """Make the account due now. False if it is paused or being removed."""
    wanted = _make_due(account_id)
    if wanted:
        transaction.on_commit(nudge)
    return wanted


def request_syncs(account_ids: Iterable[UUID]) -> None:
    """The same for several. Each is a transaction of its own, for one may wait while its sync commits; one nudge."""
    wanted = [_make_due(account_id) for account_id in account_ids]
    if any(wanted):
        nudge()


def _make_due(account_id: UUID) -> bool:
    present = Account.objects.present().exclude(state=AccountState.PAUSED)
    return bool(present.filter(id=account_id).update(next_sync_at=timezone.now()))


def pause(account_id: UUID) -> bool:
    """No syncs until resumed; a sync that runs stops at its next batch. False if it was paused already."""
    with transaction.atomic():
        paused = (
            Account.objects.present()
            .filter(id=account_id)
            .exclude(state=AccountState.PAUSED)
            .update(
                state=AccountState.PAUSED,
                reason="Paused by an operator.",
                next_sync_at=None,
                lease_token=None,
                lease_expires_at=None,
                updated_at=timezone.now(),
            )
        )
        if paused:
            log_grant_change(account_id)
    return bool(paused)


def resume(account_id: UUID) -> bool:
    """Sync again, from the first attempt: also how an invalid account is tried once more. False if nothing held it."""
    with transaction.atomic():
        resumed = (
            Account.objects.present()
            .filter(id=account_id, state__in=[AccountState.PAUSED, AccountState.INVALID, AccountState.ERROR])
            .update(
                state=AccountState.CONNECTING,
                reason="",
                failures=0,
                next_sync_at=timezone.now(),
                updated_at=timezone.now(),
            )
        )
        if resumed:
            log_grant_change(account_id)
            transaction.on_commit(nudge)
    return bool(resumed)


def remove(account_id: UUID) -> bool:
    """The account is gone for every reader at once; upkeep deletes its data. False if it was gone already.

    Its log stays until it has expired: who follows all accounts is to see that this one is gone."""
    with transaction.atomic():
        removed = (
            Account.objects.present()
            .filter(id=account_id)
            .update(
                removed_at=timezone.now(),
                next_sync_at=None,
                lease_token=None,
                lease_expires_at=None,
                credentials=b"",
            )
        )
        if removed:
            _log_grant(account_id, "deleted")
            transaction.on_commit(lambda: nudge("syncfarm.upkeep"))
    return bool(removed)


def log_grant_change(account_id: UUID) -> None:
    """Append "the grant was updated" in the current transaction."""
    _log_grant(account_id, "updated")


def _log_grant(account_id: UUID, kind: str) -> None:
    with connection.cursor() as cursor:
        changes.append(cursor, account_id, [("grant", account_id, kind)])


def nudge(task: str = "syncfarm.dispatch") -> None:
    """Ask a worker to look now instead of at beat's next tick. Soon void: while workers are away, nudges would pile up
    in front of the syncs."""
    try:
        current_app.send_task(task, retry=False, expires=NUDGE)
    except OperationalError as error:
        log.info("nudge lost, beat's tick will do: %s", error)
