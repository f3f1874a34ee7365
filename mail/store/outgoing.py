"""Mail on its way out: every step is a conditional UPDATE, so that of two that take one, one gets it.

Beside the account's lock: sending needs no mailbox, and waits for no sync. A claim is short, and its worker renews it
for as long as it lives (mail.claiming).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.db import connection
from django.db.models import Case, F, Q, Value, When
from django.utils import timezone

from mail.models import Outgoing, OutgoingState
from mail.store.batch import Batch

HOLD = timedelta(seconds=12)  # what a worker that dies before the last dot costs; who waits for the answer waits on
# The same after it: who lives on and cannot renew the claim, as while the database is away, is said to be dead.
HOLD_SENDING = timedelta(seconds=60)
OFFER = timedelta(seconds=5)  # until a worker has taken it up
_OFFER = """
UPDATE mail_outgoing SET claim = gen_random_uuid(), claimed_until = now() + make_interval(secs => %s)
WHERE id IN (
    SELECT id FROM mail_outgoing
    WHERE state IN ('scheduled', 'queued', 'accepted') AND next_try_at <= now()
      AND (claimed_until IS NULL OR claimed_until < now())
    ORDER BY next_try_at LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING id, claim
"""
_WAITING = (OutgoingState.SCHEDULED, OutgoingState.QUEUED)


def claim_outgoing(outgoing_id: UUID, offer: UUID | None = None) -> Outgoing | None:
    """Take a message that is due, to send it or to make the copy of one that was sent. None: it is not, or another
    worker has it, or it is offered to another than by `offer`."""
    row = Outgoing.objects.select_related("account").filter(id=outgoing_id).first()
    if row is None:
        return None
    row.claim, now = uuid4(), timezone.now()
    free = Q(claimed_until=None) | Q(claimed_until__lt=now) | (Q(claim=offer) if offer else Q())
    due = Outgoing.objects.filter(free, id=row.pk, next_try_at__lte=now)
    claim = {"claim": row.claim, "claimed_until": now + HOLD}
    if due.filter(state__in=_WAITING).update(state=OutgoingState.QUEUED, tries=F("tries") + 1, **claim):
        row.state, row.tries = OutgoingState.QUEUED, row.tries + 1
        return row
    filing = due.filter(state=OutgoingState.ACCEPTED).update(**claim)
    row.state = OutgoingState.ACCEPTED
    return row if filing else None


def renew_outgoing(row: Outgoing) -> bool:
    """Hold a claimed message for longer. False: another worker has it, or it is over."""
    now = timezone.now()
    until = Case(When(state=OutgoingState.SENDING, then=Value(now + HOLD_SENDING)), default=Value(now + HOLD))
    return bool(_held(row).update(claimed_until=until))


def hand_over(row: Outgoing) -> bool:
    """Note, before the server is given the last dot, that the message may be sent from here on. False: it was
    cancelled, or another worker has it."""
    now = timezone.now()
    held = _held(row).filter(state=OutgoingState.QUEUED, claimed_until__gt=now)
    return bool(held.update(state=OutgoingState.SENDING, claimed_until=now + HOLD_SENDING))


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


def offer_outgoing(limit: int) -> list[tuple[UUID, UUID]]:
    """Messages that somebody should take, the longest waiting first, each with the offer to take it by. Nobody else is
    offered it for a while: workers that are slow, or away, would find it in their queue once for each tick."""
    with connection.cursor() as cursor:
        cursor.execute(_OFFER, [OFFER.total_seconds(), limit])
        return [(outgoing_id, offer) for outgoing_id, offer in cursor.fetchall()]


def lost_outgoing(limit: int) -> list[Outgoing]:
    """Messages whose worker died when they may have been sent; those of a removed account go with it."""
    now = timezone.now()
    lost = Outgoing.objects.filter(state=OutgoingState.SENDING, claimed_until__lt=now, account__removed_at=None)
    return list(lost.defer("octets").order_by("claimed_until")[:limit])


def give_up_outgoing(batch: Batch, row: Outgoing, error: str) -> None:
    """One of `lost_outgoing` may have been sent; unless its worker has been heard of since."""
    lost = _held(row).filter(state=OutgoingState.SENDING, claimed_until__lt=timezone.now())
    ended = {"ended_at": timezone.now(), "claim": None, "claimed_until": None}
    if lost.update(state=OutgoingState.UNCERTAIN, error=error, **ended):
        batch.log("send", row.pk, "updated")


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
