"""What a turn takes in which order: new mail first, then older mail in batches, no folder at the cost of others."""

from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import connection
from pytest_django import Settings

from mail.imap.session import MailSession
from mail.imap.wire import Wire
from mail.models import Location, Message
from mail.types import Selected, SyncPoint
from tests.integration.mirroring import batches_of, connected, fill, live, mirror_state, server_state, sync
from tests.integration.qresync_mailbox import *  # noqa: F403 -- fixtures
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


def test_the_initial_sync_is_newest_first_and_in_checkpointed_batches(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.sync.visit.BATCH_MESSAGES", 3)
    with mailbox.client() as client:
        fill(client, "INBOX", 10)
    account = connected(mailbox)
    seen = []

    def note() -> None:
        seen.append(sorted(Location.objects.filter(folder__account=account).values_list("uid", flat=True)))

    sync(account, on_commit=note)
    growth = [uids for before, uids in pairwise(seen) if uids != before]
    assert growth == [[8, 9, 10], [5, 6, 7, 8, 9, 10], list(range(2, 11)), list(range(1, 11))]


def test_new_mail_does_not_wait_behind_the_initial_sync(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mail.sync.visit.BATCH_MESSAGES", 2)
    with mailbox.client() as client:
        fill(client, "INBOX", 10)
        account = connected(mailbox)
        for turn in batches_of(account):
            if turn == 2:
                fill(client, "INBOX", 1, start=77)
            if turn == 3:
                assert Message.objects.filter(account=account, subject="INBOX 77").exists()
                assert not live(account)
        assert mirror_state(account) == server_state(client)
    assert live(account)


def test_one_folder_with_much_new_mail_does_not_hold_up_the_turn(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.sync.visit.BATCH_MESSAGES", 2)
    with mailbox.client() as client:
        account = connected(mailbox)
        sync(account)
        fill(client, "INBOX", 20)
        sync(account, budget=timedelta(0))
    assert Location.objects.count() < 20


def test_a_turn_does_not_examine_every_unfinished_folder_again(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.sync.visit.BATCH_MESSAGES", 2)
    with mailbox.client() as client:
        for number in range(8):
            client.create_folder(f"F{number}")
            fill(client, f"F{number}", 4)
    account = connected(mailbox)
    sync(account, budget=timedelta(0))
    selects: list[str] = []
    select = MailSession.select

    def noted(session: MailSession, name: str, since: SyncPoint | None = None) -> Selected:
        selects.append(name)
        return select(session, name, since)

    monkeypatch.setattr(MailSession, "select", noted)
    sync(account, budget=timedelta(0))
    assert len(selects) <= 2, selects


def test_a_mail_deleted_during_the_initial_sync_is_not_shown_until_its_end(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.sync.visit.BATCH_MESSAGES", 2)
    monkeypatch.setattr("mail.mirror.GRACE", timedelta(0))
    with mailbox.client() as client:
        fill(client, "INBOX", 20)
        account = connected(mailbox)
        sync(account, budget=timedelta(0))
        client.select_folder("INBOX")
        client.delete_messages([20])
        client.expunge()
        for _ in range(4):
            sync(account, budget=timedelta(0))
    assert not Message.objects.filter(subject="INBOX 19").exists()


def test_no_database_connection_is_held_while_the_server_is_waited_for(
    mailbox: Mailbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SYNCFARM_DATABASE_CONNECTIONS = 20
    held: list[object] = []
    stream = Wire.stream

    def noted(wire: Wire, *command: bytes) -> object:
        held.append(connection.connection)
        return stream(wire, *command)

    monkeypatch.setattr(Wire, "stream", noted)
    with mailbox.client() as client:
        fill(client, "INBOX", 3)
    account = connected(mailbox)
    sync(account)
    assert len(held) > 3
    assert set(held) == {None}
