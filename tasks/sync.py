"""Syncs one account for one turn."""

import logging
from datetime import timedelta
from uuid import UUID

from celery import shared_task
from django.db import transaction

from mail import intent, mirror
from mail.types import LeaseLost

log = logging.getLogger(__name__)


@shared_task(name="syncfarm.sync", ignore_result=True)
def sync(*, account_id: str, token: str, brief: bool = False) -> str:
    """One turn under the lease that the dispatcher claimed. How it ended is on the account."""
    budget = timedelta(0) if brief else mirror.TURN
    try:
        result = mirror.sync_account(UUID(account_id), UUID(token), budget=budget)
    except LeaseLost as error:
        log.info("%s", error)
        return "lease lost"
    if result.more:
        transaction.on_commit(intent.nudge)
    return "failed" if result.error else "more" if result.more else "done"
