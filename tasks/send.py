"""Sends one message."""

from uuid import UUID

from celery import shared_task

from mail import sending


@shared_task(name="syncfarm.send", ignore_result=True)
def send(*, outgoing_id: str, offer: str | None = None) -> None:
    """A message that is due; `offer`: of the dispatcher. How it ended is on its row."""
    sending.carry_on(UUID(outgoing_id), UUID(offer) if offer else None)
