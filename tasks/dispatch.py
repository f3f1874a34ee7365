"""Hands due accounts and outgoing mail to the workers."""

from celery import shared_task

from mail import lease, sending, store
from tasks.queues import room
from tasks.send import send
from tasks.sync import sync

BATCH = 500  # a tick's worth; the rest is due at the next one


@shared_task(name="syncfarm.dispatch", ignore_result=True)
def dispatch() -> int:
    """Claim due accounts and enqueue their syncs. A task that is lost costs the claim's lapse, never the sync.

    Where a change that was made here waits, a worker of the other fleet makes a brief turn: no initial sync delays it.
    """
    brief, whole = room("action"), room("sync")
    claims = lease.claim_due(min(BATCH, whole or brief), wished_only=not whole)
    for account_id, token, wished in claims:
        is_brief = wished and brief > 0
        brief -= is_brief
        kwargs = {"account_id": str(account_id), "token": str(token), "brief": is_brief}
        sync.apply_async(kwargs=kwargs, expires=lease.CLAIM.total_seconds(), queue="action" if is_brief else "sync")
    return len(claims) + _send()


def _send() -> int:
    sending.settle_lost(BATCH)
    offers = store.offer_outgoing(min(BATCH, room("outbound")))
    for outgoing_id, offer in offers:
        kwargs = {"outgoing_id": str(outgoing_id), "offer": str(offer)}
        send.apply_async(kwargs=kwargs, expires=store.OFFER.total_seconds())
    return len(offers)
