"""Queues whose workers are away, or behind, get no more than these will be through with."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
import redis
from celery import current_app
from django.conf import settings
from django.utils import timezone

import tasks
from accounts.models import Account
from mail import actions
from mail.models import Message
from tasks import queues
from tests.integration.factories import make_account, make_folder, make_message
from tests.integration.queued import queued, state_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """One that nobody empties, for three tasks."""
    name = f"test-{uuid4()}"
    monkeypatch.setitem(queues.MOST, name, 3)
    yield name
    redis.Redis.from_url(settings.SYNCFARM_REDIS_URL).delete(name)


def test_what_waits_in_a_queue_leaves_less_room_for_more(queue: str) -> None:
    room = []
    for _ in range(5):
        room.append(queues.room(queue))
        current_app.send_task("syncfarm.nothing", queue=queue)
    assert room == [3, 2, 1, 0, 0]


class Enqueued:
    """What the dispatcher hands out while queues have so much room."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.room = {"sync": 10, "action": 10, "outbound": 10}
        self.tasks: list[tuple[str, dict[str, Any]]] = []
        patch.setattr(tasks.dispatch, "room", self.room.__getitem__)
        patch.setattr(tasks.sync.sync, "apply_async", lambda kwargs, queue, **_: self.tasks.append((queue, kwargs)))
        patch.setattr(tasks.send.send, "apply_async", lambda kwargs, **_: self.tasks.append(("outbound", kwargs)))

    def tick(self, **room: int) -> list[tuple[str, str, bool]]:
        """(queue, account or message, whether it is a brief turn) of each task."""
        self.tasks.clear()
        self.room |= room
        tasks.dispatch.dispatch()
        return sorted(
            (queue, kwargs.get("account_id") or kwargs["outgoing_id"], kwargs.get("brief", False))
            for queue, kwargs in self.tasks
        )


@pytest.fixture
def enqueued(monkeypatch: pytest.MonkeyPatch) -> Enqueued:
    return Enqueued(monkeypatch)


def due(account: Account, *, wished: bool) -> str:
    if wished:
        message = make_message(account, make_folder(account))
        actions.change(account.pk, [message.pk], unread=not Message.objects.get(pk=message.pk).unread)
    Account.objects.filter(pk=account.pk).update(next_sync_at=timezone.now() - timedelta(seconds=1))
    return str(account.pk)


def test_a_full_queue_of_syncs_keeps_back_syncs_alone(enqueued: Enqueued) -> None:
    plain, wished = due(make_account(), wished=False), due(make_account(), wished=True)
    assert enqueued.tick(sync=0) == [("action", wished, True)]
    assert enqueued.tick(sync=10) == [("sync", plain, False)]


def test_a_change_is_carried_out_by_a_whole_sync_where_the_other_fleet_is_away(enqueued: Enqueued) -> None:
    wished = due(make_account(), wished=True)
    assert enqueued.tick(action=0) == [("sync", wished, False)]


def test_no_more_than_there_is_room_for(enqueued: Enqueued) -> None:
    for _ in range(3):
        due(make_account(), wished=True)
    assert [queue for queue, *_ in enqueued.tick(action=1, sync=1)] == ["action"]
    assert [queue for queue, *_ in enqueued.tick(action=1, sync=0)] == ["action"]
    assert enqueued.tick(action=0, sync=0) == []


def test_mail_is_offered_once_there_is_room_for_it(enqueued: Enqueued) -> None:
    account = make_account()
    row = queued(account)
    Account.objects.update(next_sync_at=None)
    assert enqueued.tick(outbound=0) == []
    assert state_of(row) == "queued"
    assert row.claim is None
    assert enqueued.tick(outbound=1) == [("outbound", str(row.pk), False)]
