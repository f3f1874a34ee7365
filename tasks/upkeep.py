"""Housekeeping that nobody waits for."""

import logging
from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from accounts import hosts
from mail import changes, intent, raw, rounds, store

log = logging.getLogger(__name__)

HOST_AGE = timedelta(days=1)  # nobody has asked for it since

KEY_AGE = timedelta(hours=1)  # for which the contract keeps the answer to a request with an Idempotency-Key

ORPHAN_AGE = timedelta(days=1)  # an object is written moments before the transaction that refers to it


@shared_task(name="syncfarm.upkeep", ignore_result=True)
def upkeep() -> None:
    """Delete removed accounts' data; expire old rows of the change log and old actions; forget hosts that nobody asks
    for; have lost contents fetched again."""
    rounds.align()
    store.remove_accounts()
    hosts.forget_unused(timezone.now() - HOST_AGE)
    changes.expire_all(timezone.now() - changes.AGE)
    store.forget_actions(timezone.now() - changes.AGE)
    store.forget_outgoing(timezone.now() - changes.AGE, timezone.now() - KEY_AGE)
    for account_id in store.ask_again():
        intent.request_sync(account_id)


@shared_task(name="syncfarm.repack", ignore_result=True)
def repack() -> int:
    """Pack anew what is mostly waste, merge what is small, and remove objects that nothing refers to."""
    now = timezone.now()
    part = int(now.timestamp() // 60) % raw.PARTS
    try:
        return raw.repack_some(part) + raw.remove_orphans(part, now - ORPHAN_AGE)
    except raw.StoreUnavailable as error:
        log.warning("%s", error)
        return 0
