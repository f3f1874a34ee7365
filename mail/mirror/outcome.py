"""What a turn means for the account: its state in words, and when to look again."""

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Case, F, Value, When
from django.db.models.functions import Least
from django.utils import timezone

from accounts.models import Account, AccountState
from mail import store
from mail.mirror.opening import HostIsDown
from mail.sync.schedule import jittered, next_interval, retry_delay
from mail.types import LeaseLost, MailError

SPREAD = 15.0  # seconds over which a host's accounts come back after it was down


def begun(account: Account, token: UUID) -> None:
    """The first look at a mailbox: from "connecting" to "initial"."""
    if account.state == AccountState.CONNECTING:
        _note(account, token, state=AccountState.INITIAL, reason="")


def succeeded(
    account: Account, token: UUID, started: datetime, capabilities: frozenset[str], *, more: bool, failing: int
) -> None:
    """The turn ended well; with `more` the account is due again at once."""
    now = timezone.now()
    complete = not any(folder.backfill_uid > 1 for folder in store.local_folders(account.id))
    last_change = Account.objects.values_list("last_change_at", flat=True).get(id=account.id)
    interval = next_interval(account.interval, changed=last_change is not None and last_change >= started)
    soon = now if more else now + jittered(interval, random.random())  # noqa: S311 -- jitter
    _note(
        account,
        token,
        state=AccountState.LIVE if complete else AccountState.INITIAL,
        reason=f"The server refuses {failing} folder{'s' * (failing > 1)}; the others are current." if failing else "",
        failures=0,
        last_error="",
        last_sync_at=now,
        interval=interval,
        capabilities=sorted(capabilities),
        next_sync_at=_unless_wished(account, soon),
    )


def failed(account: Account, token: UUID, error: MailError) -> None:
    """The turn failed: stop if only its owner can help, else try again later, each time later."""
    now = timezone.now()
    chance = random.random()  # noqa: S311 -- jitter
    if isinstance(error, HostIsDown):
        failures, delay = account.failures, timedelta(seconds=error.retry_in + SPREAD * chance)
    else:
        failures = account.failures + 1
        delay = retry_delay(failures, chance)
    _note(
        account,
        token,
        state=AccountState.INVALID if error.permanent else AccountState.ERROR,
        reason=str(error),
        failures=failures,
        last_error=str(error),
        last_error_at=now,
        next_sync_at=None if error.permanent else _unless_wished(account, now + delay),
    )


def _unless_wished(account: Account, then: datetime) -> Case:
    """Then, unless somebody asked for a sync during the turn: that may be about what the turn had looked at before."""
    sooner = Least(F("next_sync_at"), Value(then))
    return Case(When(next_sync_at=account.next_sync_at, then=Value(then)), default=sooner)


def _note(account: Account, token: UUID, **columns: Any) -> None:
    """Write to the account if the lease still holds; the log hears of what a reader of the grant sees."""
    try:
        with store.writing(account.id, token) as batch:
            before = Account.objects.values_list("state", "reason").get(id=account.id)
            if before != (columns["state"], columns["reason"]):
                columns["updated_at"] = timezone.now()
                batch.log("grant", account.id, "updated")
            Account.objects.filter(id=account.id).update(**columns)
    except LeaseLost:
        if not _was_taken_away(account.id):
            raise


def _was_taken_away(account_id: UUID) -> bool:
    """Paused or removed meanwhile: nothing to note, and nothing wrong."""
    return not Account.objects.present().filter(id=account_id).exclude(state=AccountState.PAUSED).exists()
