"""Housekeeping that nobody waits for."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from accounts import hosts
from mail import changes, store

LOG_AGE = timedelta(days=30)  # a consumer that was away for longer lists everything again

HOST_AGE = timedelta(days=1)  # nobody has asked for it since


@shared_task(name="syncfarm.upkeep", ignore_result=True)
def upkeep() -> None:
    """Delete removed accounts' data; expire old rows of the change log; forget hosts that nobody asks for."""
    store.remove_accounts()
    hosts.forget_unused(timezone.now() - HOST_AGE)
    changes.expire_all(timezone.now() - LOG_AGE)
