"""Housekeeping that nobody waits for."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from mail import changes, store

LOG_AGE = timedelta(days=30)  # a consumer that was away for longer lists everything again


@shared_task(name="syncfarm.upkeep", ignore_result=True)
def upkeep() -> None:
    """Delete removed accounts' data; expire old rows of the change log."""
    store.remove_accounts()
    changes.expire_all(timezone.now() - LOG_AGE)
