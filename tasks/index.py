"""Fills the search index behind the sync."""

from celery import shared_task

from mail import search

ROUND = 2000  # messages


@shared_task(name="syncfarm.index", ignore_result=True)
def index() -> int:
    """A bounded round over the accounts whose log the index has not consumed yet."""
    return search.index_pending(ROUND)
