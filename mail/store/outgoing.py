"""Mail on its way out: every step is a conditional UPDATE, so that of two that take one, one gets it.

Beside the account's lock: sending needs no mailbox, and waits for no sync.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db.models import F, Q
from django.utils import timezone

from mail.models import Outgoing, OutgoingState
from mail.store.batch import Batch

CLAIM = timedelta(minutes=3)  # longer than any conversation with a submission server may take
_WAITING = (OutgoingState.SCHEDULED, OutgoingState.QUEUED)


def claim_outgoing(outgoing_id: UUID) -> Outgoing | None:
    """Take a message that is due, to send it or to make the copy of one that was sent. None: it is not, or another
    worker has it."""
    claim, now = uuid4(), timezone.now()
    due = Outgoing.objects.filter(
        Q(claimed_until=None) | Q(claimed_until__lt=now), id=outgoing_id, next_try_at__lte=now
    )
    taken = due.filter(state__in=_WAITING).update(
        state=OutgoingState.QUEUED, claim=claim, claimed_until=now + CLAIM, tries=F("tries") + 1
    ) or due.filter(state=OutgoingState.ACCEPTED).update(claim=claim, claimed_until=now + CLAIM)
    return Outgoing.objects.select_related("account").get(id=outgoing_id) if taken else None


def hand_over(row: Outgoing) -> bool:
    """Note, before the server is given the last dot, that the message may be sent from here on. False: it was
    cancelled, or another worker has it."""
    now = timezone.now()
    held = _held(row).filter(state=OutgoingState.QUEUED, claimed_until__gt=now)
    return bool(held.update(state=OutgoingState.SENDING, claimed_until=now + CLAIM))


def note_outgoing(row: Outgoing, state: OutgoingState, **columns: Any) -> bool:
    """Note how far a claimed message got. False: another worker has it."""
    return bool(_held(row).update(state=state, **columns))


def postpone_outgoing(row: Outgoing, state: OutgoingState, error: str, again: datetime) -> None:
    """It is tried again then, from this state."""
    _held(row).update(state=state, error=error, next_try_at=again, claim=None, claimed_until=None)


def end_outgoing(batch: Batch, row: Outgoing, state: OutgoingState, **columns: Any) -> bool:
    """It is over, and the log says so. False: another worker has it."""
    ended = note_outgoing(row, state, ended_at=timezone.now(), claim=None, claimed_until=None, **columns)
    if ended:
        batch.log("send", row.pk, "updated")
    return ended


def cancel_outgoing(batch: Batch, outgoing_id: UUID) -> bool:
    """Keep a message from being sent. False: it is too late, or it was cancelled before."""
    waiting = Outgoing.objects.filter(id=outgoing_id, account_id=batch.account_id, state__in=_WAITING)
    now = timezone.now()
    cancelled = waiting.update(state=OutgoingState.CANCELLED, ended_at=now, octets=b"", claim=None)
    if cancelled:
        batch.log("send", outgoing_id, "updated")
    return bool(cancelled)


def due_outgoing(limit: int) -> list[UUID]:
    """Messages that somebody should take, the longest waiting first."""
    now = timezone.now()
    due = Outgoing.objects.filter(
        Q(claimed_until=None) | Q(claimed_until__lt=now),
        next_try_at__lte=now,
        state__in=(*_WAITING, OutgoingState.ACCEPTED),
    )
    return list(due.order_by("next_try_at").values_list("id", flat=True)[:limit])


def lost_outgoing(limit: int) -> list[Outgoing]:
    """Messages whose worker died when they may have been sent."""
    lost = Outgoing.objects.filter(state=OutgoingState.SENDING, claimed_until__lt=timezone.now())
    return list(lost.defer("octets").order_by("claimed_until")[:limit])


def forget_outgoing(before: datetime, keys_before: datetime) -> int:
    """Delete what ended before; give Idempotency-Keys free that are older than `keys_before`. Returns how many went."""
    used = Outgoing.objects.filter(idempotency_key__isnull=False, created_at__lt=keys_before)
    used.update(idempotency_key=None)
    gone, _ = Outgoing.objects.filter(ended_at__lt=before).delete()
    return gone


def add_outgoing(batch: Batch, columns: Mapping[str, Any]) -> Outgoing:
    """A message that is to be sent."""
    row = Outgoing.objects.create(account_id=batch.account_id, **columns)
    batch.log("send", row.pk, "created")
    return row


def _held(row: Outgoing) -> Any:
    return Outgoing.objects.filter(id=row.pk, claim=row.claim)
