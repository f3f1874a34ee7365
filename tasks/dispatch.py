"""Hands due accounts to the workers."""

from celery import shared_task

from mail import lease
from tasks.sync import sync

BATCH = 500  # a tick's worth; the rest is due at the next one


@shared_task(name="syncfarm.dispatch", ignore_result=True)
def dispatch() -> int:
    """Claim due accounts and enqueue their syncs. A task that is lost costs the claim's lapse, never the sync."""
    claims = lease.claim_due(BATCH)
    for account_id, token in claims:
        kwargs = {"account_id": str(account_id), "token": str(token)}
        sync.apply_async(kwargs=kwargs, expires=lease.CLAIM.total_seconds())
    return len(claims)
