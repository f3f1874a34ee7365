"""What a turn means for the account: its state in words, and when to look again."""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Case, F, Value, When
from django.db.models.functions import Least
from django.utils import timezone

from accounts.models import Account, AccountState
from mail import store
from mail.lease import Lease
from mail.mirror.opening import HostIsDown
from mail.sync.schedule import jittered, next_interval, retry_delay
from mail.types import LeaseLost, MailError

SPREAD = 15.0  # seconds over which a host's accounts come back after it was down


@dataclass(frozen=True, slots=True)
class Found:
    """What a turn that ended well found. `more`: older mail is still to be copied; `failing`: folders that the server
    refused; `complete`: no folder has more to be copied; `changed`: a reader sees something otherwise now;
    `wished_at`: when a change that was made here is due to be tried again; `capabilities`: what the server offers."""

    more: bool
    failing: int
    complete: bool
    changed: bool
    wished_at: datetime | None
    capabilities: frozenset[str]


def begun(lease: Lease) -> None:
    """The first look at a mailbox: from "connecting" to "initial"."""
    if lease.account.state == AccountState.CONNECTING:
        with store.writing(lease.account.id, lease.token) as batch:
            _update(batch, state=AccountState.INITIAL, reason="")


def succeeded(lease: Lease, found: Found) -> None:
    """The turn ended well; with `more` the account is due again at once."""
    now = timezone.now()
    account, failing = lease.account, found.failing
    interval = next_interval(account.interval, changed=found.changed)
    soon = now if found.more else now + jittered(interval, random.random())  # noqa: S311 -- jitter
    if found.wished_at:
        soon = min(soon, found.wished_at)
    _note(
        lease,
        state=AccountState.LIVE if found.complete else AccountState.INITIAL,
        reason=f"The server refuses {failing} folder{'s' * (failing > 1)}; the others are current." if failing else "",
        failures=0,
        last_error="",
        last_sync_at=now,
        interval=interval,
        capabilities=sorted(found.capabilities),
        next_sync_at=soon,
    )


def failed(lease: Lease, error: MailError) -> None:
    """The turn failed: stop if only its owner can help, else try again later, each time later."""
    now = timezone.now()
    account = lease.account
    chance = random.random()  # noqa: S311 -- jitter
    if isinstance(error, HostIsDown):
        failures, delay = account.failures, timedelta(seconds=error.retry_in + SPREAD * chance)
    else:
        failures = account.failures + 1
        delay = retry_delay(failures, chance)
    _note(
        lease,
        state=AccountState.INVALID if error.permanent else AccountState.ERROR,
        reason=str(error),
        failures=failures,
        last_error=str(error),
        last_error_at=now,
        next_sync_at=None if error.permanent else now + delay,
    )


def _note(lease: Lease, **columns: Any) -> None:
    """Write to the account if the lease still holds; the log hears of what a reader of the grant sees. Where that is
    nothing, and nobody made a wish meanwhile, one statement does, and gives the lease back as well."""
    account = lease.account
    known = {"state": account.state, "reason": account.reason, "next_sync_at": account.next_sync_at}
    as_before = (account.state, account.reason) == (columns["state"], columns["reason"])
    if as_before and lease.give_back(known, **columns):
        return
    if columns["next_sync_at"] is not None:
        columns["next_sync_at"] = _unless_wished(account, columns["next_sync_at"])
    try:
        with store.writing(account.id, lease.token) as batch:
            _update(batch, **columns)
    except LeaseLost:
        if not _was_taken_away(account.id):
            raise


def _unless_wished(account: Account, then: datetime) -> Case:
    """Then, unless somebody asked for a sync during the turn: that may be about what the turn had looked at before."""
    sooner = Least(F("next_sync_at"), Value(then))
    return Case(When(next_sync_at=account.next_sync_at, then=Value(then)), default=sooner)


def _update(batch: store.Batch, **columns: Any) -> None:
    before = Account.objects.values_list("state", "reason").get(id=batch.account_id)
    if before != (columns["state"], columns["reason"]):
        columns["updated_at"] = timezone.now()
        batch.log("grant", batch.account_id, "updated")
    Account.objects.filter(id=batch.account_id).update(**columns)


def _was_taken_away(account_id: UUID) -> bool:
    """Paused or removed meanwhile: nothing to note, and nothing wrong."""
    return not Account.objects.present().filter(id=account_id).exclude(state=AccountState.PAUSED).exists()
