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

ANSWER = 15.0  # seconds that a submission server has for each answer
_WAITING = (OutgoingState.SCHEDULED, OutgoingState.QUEUED)


def claim_outgoing(outgoing_id: UUID) -> Outgoing | None:
    """Take a message that is due, to send it or to make the copy of one that was sent. None: it is not, or another
    worker has it."""
    row = Outgoing.objects.select_related("account").filter(id=outgoing_id).first()
    if row is None:
        return None
    row.claim, now = uuid4(), timezone.now()
    until = now + _conversation(row)
    due = Outgoing.objects.filter(Q(claimed_until=None) | Q(claimed_until__lt=now), id=row.pk, next_try_at__lte=now)
    if due.filter(state__in=_WAITING).update(
        state=OutgoingState.QUEUED, claim=row.claim, claimed_until=until, tries=F("tries") + 1
    ):
        row.state, row.tries = OutgoingState.QUEUED, row.tries + 1
        return row
    filing = due.filter(state=OutgoingState.ACCEPTED).update(claim=row.claim, claimed_until=until)
    row.state = OutgoingState.ACCEPTED
    return row if filing else None


def _conversation(row: Outgoing) -> timedelta:
    """Longer than mail.smtp.submit may take until the last dot."""
    return timedelta(seconds=12 * ANSWER + 2 * len(row.recipients) + len(row.octets) / 10_000)


def hand_over(row: Outgoing) -> bool:
    """Note, before the server is given the last dot, that the message may be sent from here on. False: it was
    cancelled, or another worker has it."""
    now = timezone.now()
    held = _held(row).filter(state=OutgoingState.QUEUED, claimed_until__gt=now)
    return bool(held.update(state=OutgoingState.SENDING, claimed_until=now + timedelta(seconds=25 * ANSWER)))


def outgoing_draft(batch: Batch, draft: UUID) -> Outgoing | None:
    """The message as which a draft is being sent, or is to be."""
    under_way = (*_WAITING, OutgoingState.SENDING, OutgoingState.ACCEPTED)
    return Outgoing.objects.filter(account_id=batch.account_id, draft_id=draft, state__in=under_way).first()


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
