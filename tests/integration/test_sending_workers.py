"""Mail is sent once or reported, whatever becomes of workers: each step is on its row before the next."""

import asyncio
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

import tasks
from accounts.models import Account
from mail import claiming, intent, sending, store
from mail.mirror import syncback
from mail.models import OutgoingState
from tests.integration.marking import make_due
from tests.integration.mirroring import sync
from tests.integration.outbound import *  # noqa: F403 -- fixtures
from tests.integration.outbound import in_folder
from tests.integration.queued import *  # noqa: F403 -- fixtures
from tests.integration.queued import expire_claims, queued, state_of
from tests.mailboxes import Mailbox
from tests.protocol.sink import Sink, running
from tests.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


def test_of_two_workers_one_sends(account: Account, sink: Sink) -> None:
    row = queued(account)
    workers = [threading.Thread(target=sending.carry_on, args=(row.pk,)) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(sink.letters) == 1
    assert state_of(row) == OutgoingState.SENT


class Slow(Sink):
    """It thinks about each recipient until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go = threading.Event(), threading.Event()

    async def handle_RCPT(self, *arguments: Any) -> str:  # noqa: N802 -- as aiosmtpd asks
        self.asked.set()
        await asyncio.to_thread(self.go.wait, 10)
        return await super().handle_RCPT(*arguments)


def test_a_worker_holds_a_message_for_as_long_as_its_server_takes(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.store.outgoing.HOLD", timedelta(seconds=0.5))
    monkeypatch.setattr(claiming, "RENEWAL", 0.05)
    slow = Slow()
    with running(slow, tmp_path) as sink:
        account.settings["smtp_port"] = sink.login.port
        account.save(update_fields=["settings"])
        row = queued(account)
        worker = threading.Thread(target=work, args=(row.pk,))
        worker.start()
        try:
            assert slow.asked.wait(10)
            row.refresh_from_db()
            first = row.claimed_until
            assert first
            wait_until(lambda: timezone.now() > first + timedelta(seconds=0.2))
            assert store.offer_outgoing(10) == []
            assert store.claim_outgoing(row.pk) is None
        finally:
            slow.go.set()
            worker.join()
    assert state_of(row) == OutgoingState.SENT
    assert len(sink.letters) == 1


def work(outgoing_id: UUID) -> None:
    try:
        sending.carry_on(outgoing_id)
    finally:
        connection.close()


def test_a_worker_that_died_before_the_last_dot_costs_seconds(account: Account) -> None:
    row = queued(account)
    assert store.claim_outgoing(row.pk)
    row.refresh_from_db()
    assert row.claimed_until
    assert row.claimed_until < timezone.now() + timedelta(seconds=15)


def test_a_message_is_not_put_into_the_workers_queue_at_every_tick(
    account: Account, sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would find it there once for each second that they were away."""
    row = queued(account)
    enqueued: list[dict[str, str]] = []
    monkeypatch.setattr(tasks.send.send, "apply_async", lambda kwargs, **_: enqueued.append(kwargs))
    for _ in range(3):
        tasks.dispatch.dispatch()
    (kwargs,) = enqueued
    sending.carry_on(row.pk)
    assert sink.letters == []
    for _ in range(2):
        tasks.send.send(**kwargs)
    assert (state_of(row), len(sink.letters)) == (OutgoingState.SENT, 1)


def test_an_offer_that_nobody_takes_up_lapses(account: Account, sink: Sink) -> None:
    row = queued(account)
    ((_row, lost),) = store.offer_outgoing(10)
    row.refresh_from_db()
    assert row.claimed_until
    assert row.claimed_until < timezone.now() + timedelta(seconds=6)
    expire_claims()
    ((_row, offer),) = store.offer_outgoing(10)
    sending.carry_on(row.pk, lost)
    assert sink.letters == []
    sending.carry_on(row.pk, offer)
    assert len(sink.letters) == 1


def test_an_offered_message_can_be_cancelled(account: Account, sink: Sink) -> None:
    row = queued(account)
    ((_row, offer),) = store.offer_outgoing(10)
    assert sending.cancel(account.pk, row.pk)
    sending.carry_on(row.pk, offer)
    assert (state_of(row), sink.letters) == (OutgoingState.CANCELLED, [])


def test_a_claim_that_another_worker_has_is_not_renewed(account: Account) -> None:
    row = queued(account)
    dead = store.claim_outgoing(row.pk)
    expire_claims()
    assert store.claim_outgoing(row.pk)
    assert dead
    assert not store.renew_outgoing(dead)
    assert not store.hand_over(dead)


def test_a_worker_that_is_heard_of_after_all_is_not_said_to_be_dead(account: Account, sink: Sink) -> None:
    row = queued(account)
    worker = store.claim_outgoing(row.pk)
    assert worker
    assert store.hand_over(worker)
    expire_claims()
    (lost,) = store.lost_outgoing(10)
    assert store.note_outgoing(worker, OutgoingState.ACCEPTED)
    with store.beside(account.pk) as batch:
        store.give_up_outgoing(batch, lost, "")
    assert state_of(row) == OutgoingState.ACCEPTED


def test_a_message_that_was_lost_with_its_grant_keeps_nobody_elses_from_being_sent(account: Account) -> None:
    row = queued(account)
    worker = store.claim_outgoing(row.pk)
    assert worker
    assert store.hand_over(worker)
    expire_claims()
    intent.remove(account.pk)
    tasks.dispatch.dispatch()
    assert state_of(row) == OutgoingState.SENDING  # until its grant's data are deleted


class Died(BaseException):
    """The worker."""


@pytest.mark.parametrize("step", ["hand_over", "after the dot", "note_outgoing", "end_outgoing", "wish_append"])
def test_a_worker_that_dies_at_any_step_neither_loses_nor_doubles_a_message(
    account: Account, mailbox: Mailbox, sink: Sink, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    row = queued(account)

    def die(*_: object, **__: object) -> Any:
        raise Died

    with monkeypatch.context() as patched:
        if step == "after the dot":
            original = store.hand_over
            patched.setattr(store, "hand_over", lambda claimed: original(claimed) and die())
        else:
            patched.setattr(store, step, die)
        with pytest.raises(Died):
            sending.carry_on(row.pk)
    expire_claims()
    tasks.dispatch.dispatch()
    expire_claims()  # of the offer
    sending.carry_on(row.pk)
    sync(account)
    sync(account)
    may_be_sent = step in {"after the dot", "note_outgoing"}
    assert state_of(row) == (OutgoingState.UNCERTAIN if may_be_sent else OutgoingState.SENT)
    assert len(sink.letters) == (0 if step == "after the dot" else 1)
    assert len(in_folder(mailbox, "Sent")) == (0 if may_be_sent else 1)


def test_a_copy_that_was_filed_unnoticed_is_not_filed_again(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sending.carry_on(queued(account).pk)
    with monkeypatch.context() as patched:
        patched.setattr(syncback, "_note", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            sync(account)
    make_due()
    sync(account)
    sync(account)
    assert len(in_folder(mailbox, "Sent")) == 1
