"""What is changed here reaches the server, once and in order, and readers never see it flap."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

import tasks
from accounts.models import Account, AccountState
from mail import actions, lease, store
from mail.imap.editing import Editor
from mail.mirror import syncback
from mail.models import Action, ActionState, Message, Thread
from tests.integration.marking import *  # noqa: F403 -- fixtures
from tests.integration.marking import agrees, flags_on_server, make_due, message, states
from tests.integration.mirroring import connected, fill, log_of, sync
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


def test_readers_see_a_change_at_once_and_the_server_after_the_next_turn(account: Account, mailbox: Mailbox) -> None:
    seen = len(log_of(account))
    row = message(account)
    assert actions.change(account.pk, [row.pk], unread=False, starred=True) == 1
    row.refresh_from_db()
    assert (row.unread, row.starred) == (False, True)
    assert Thread.objects.get(pk=row.thread_id).starred
    assert log_of(account, seen) == [("message", "updated"), ("thread", "updated")]
    assert flags_on_server(mailbox)[1] == set()
    sync(account)
    assert flags_on_server(mailbox)[1] == {"\\Seen", "\\Flagged"}
    assert agrees(account, mailbox)
    assert states(account) == [ActionState.DONE]
    told = [("message", "updated"), ("thread", "updated")]
    assert log_of(account, seen) == [*told, ("folder", "updated")], "told once; then the server counts its unread mail"


def test_the_last_word_about_a_flag_counts(account: Account, mailbox: Mailbox) -> None:
    row = message(account)
    for unread, starred in ((False, True), (True, None), (False, None), (None, False), (True, None)):
        actions.change(account.pk, [row.pk], unread=unread, starred=starred)
    row.refresh_from_db()
    assert (row.unread, row.starred) == (True, False)
    sync(account)
    assert flags_on_server(mailbox)[1] == set()
    assert agrees(account, mailbox)
    assert states(account) == [
        ActionState.DONE,  # of both flags: nothing later says as much
        *[ActionState.SUPERSEDED] * 2,
        *[ActionState.DONE] * 2,
    ]


def test_a_change_of_other_flags_by_another_client_stays(account: Account, mailbox: Mailbox) -> None:
    actions.change(account.pk, [message(account).pk], starred=True)
    with mailbox.client() as client:
        client.select_folder("INBOX")
        client.add_flags([1], [b"\\Answered", b"$Work"])
    sync(account)
    assert flags_on_server(mailbox)[1] == {"\\Flagged", "\\Answered", "$Work"}
    assert agrees(account, mailbox)


def test_a_pending_change_outlasts_what_the_server_tells(account: Account, mailbox: Mailbox) -> None:
    """The server still has the old flag, and tells of the message: readers must not see it flap."""
    row = message(account)
    actions.change(account.pk, [row.pk], unread=False)
    Action.objects.update(next_try_at=timezone.now() + timedelta(hours=1))
    with mailbox.client() as client:
        client.select_folder("INBOX")
        client.add_flags([1], [b"\\Flagged"])
    sync(account)
    row.refresh_from_db()
    assert (row.unread, row.starred) == (False, True)
    assert flags_on_server(mailbox)[1] == {"\\Flagged"}
    Action.objects.update(next_try_at=timezone.now())
    sync(account)
    assert flags_on_server(mailbox)[1] == {"\\Flagged", "\\Seen"}


def test_a_message_in_two_folders_changes_in_both(account: Account, mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.create_folder("Kept & geschützt")
        client.select_folder("INBOX")
        client.copy([1], "Kept & geschützt")
    sync(account)
    actions.change(account.pk, [message(account).pk], unread=False)
    sync(account)
    assert flags_on_server(mailbox)[1] == {"\\Seen"}
    assert flags_on_server(mailbox, "Kept & geschützt")[1] == {"\\Seen"}
    assert agrees(account, mailbox)


def test_many_messages_change_with_few_commands(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    original = Editor.change_flags

    def counted(editor: Editor, name: str, uidvalidity: int, changes: Any) -> Any:
        asked.append((name, [(change.flag, change.add, sorted(change.uids)) for change in changes]))
        return original(editor, name, uidvalidity, changes)

    monkeypatch.setattr(Editor, "change_flags", counted)
    rows = [message(account, number).pk for number in range(4)]
    actions.change(account.pk, rows, unread=False)
    actions.change(account.pk, rows[:1], unread=True)
    sync(account)
    assert [(name, sorted(changes)) for name, changes in asked] == [
        ("INBOX", [("\\Seen", False, [1]), ("\\Seen", True, [2, 3, 4])])
    ]
    assert agrees(account, mailbox)


def test_a_later_change_of_a_message_does_not_overtake_one_that_rests(account: Account, mailbox: Mailbox) -> None:
    first, other = message(account, 0), message(account, 1)
    actions.change(account.pk, [first.pk], unread=False, starred=True)
    Action.objects.update(next_try_at=timezone.now() + timedelta(hours=1))
    actions.change(account.pk, [first.pk], unread=True)
    actions.change(account.pk, [other.pk], unread=False)
    sync(account)
    assert states(account) == [ActionState.PENDING, ActionState.PENDING, ActionState.DONE]
    make_due()
    sync(account)
    assert flags_on_server(mailbox)[1] == {"\\Flagged"}
    assert flags_on_server(mailbox)[2] == {"\\Seen"}


def test_however_often_a_message_changes_few_changes_wait(account: Account, mailbox: Mailbox) -> None:
    row = message(account)
    for number in range(20):
        actions.change(account.pk, [row.pk], unread=number % 2 == 0, starred=number % 3 == 0)
        actions.change(account.pk, [row.pk], unread=number % 5 == 0)
        actions.change(account.pk, [row.pk], starred=number % 7 == 0)
    assert states(account).count(ActionState.PENDING) == 3
    sync(account)
    assert flags_on_server(mailbox)[1] == {"\\Seen"}
    assert agrees(account, mailbox)


def test_a_change_ends_a_long_turn_early(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mail.sync.visit.BATCH_MESSAGES", 2)
    with mailbox.client() as client:
        fill(client, "INBOX", 40)
    account = connected(mailbox)
    committed: list[int] = []

    def wish() -> None:
        committed.append(Message.objects.count())
        if committed[-1] == 4:
            actions.change(account.pk, Message.objects.values_list("pk", flat=True), unread=False)

    assert sync(account, on_commit=wish).more
    assert committed[-1] <= 16, "what was on its way is stored, and no more asked for"
    assert lease.claim_due(1)[0].wished
    Account.objects.update(lease_token=None, lease_expires_at=None)
    sync(account)
    assert states(account) == [ActionState.DONE] * 4
    assert sum("\\Seen" in flags for flags in flags_on_server(mailbox).values()) == 4
    assert agrees(account, mailbox)


def test_who_changes_all_the_time_does_not_keep_the_turn_from_looking(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncback, "SECONDS", 0.0)
    row = message(account)
    with mailbox.client() as client:
        fill(client, "INBOX", 1, start=50)

    def change() -> None:
        actions.change(account.pk, [row.pk], unread=not Action.objects.count() % 2)

    change()
    sync(account, on_commit=change)
    assert Message.objects.filter(subject="INBOX 50").exists()
    assert states(account)[0] == ActionState.DONE
    assert states(account)[-1] == ActionState.PENDING
    account.refresh_from_db()
    assert account.next_sync_at is not None
    assert account.next_sync_at <= timezone.now()


def test_a_worker_of_the_other_fleet_makes_a_brief_turn(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(tasks.sync.sync, "apply_async", lambda **given: sent.append(given))
    actions.change(account.pk, [message(account).pk], unread=False)
    tasks.dispatch.dispatch()
    (given,) = sent
    assert given["queue"] == "action"
    assert tasks.sync.sync(**given["kwargs"]) == "done"
    assert states(account) == [ActionState.DONE]
    assert agrees(account, mailbox)


def test_an_account_wakes_for_a_change_that_rests(account: Account) -> None:
    Account.objects.update(interval=300)
    actions.change(account.pk, [message(account).pk], unread=False)
    soon = timezone.now() + timedelta(seconds=30)
    Action.objects.update(next_try_at=soon)
    sync(account)
    sync(account)
    account.refresh_from_db()
    assert account.next_sync_at == soon


def test_an_account_that_backs_off_is_not_hurried(account: Account) -> None:
    later = timezone.now() + timedelta(hours=1)
    Account.objects.update(state=AccountState.ERROR, next_sync_at=later)
    actions.change(account.pk, [message(account).pk], unread=False)
    account.refresh_from_db()
    assert account.next_sync_at == later


def test_ended_actions_are_forgotten_by_age(account: Account) -> None:
    actions.change(account.pk, [message(account, number).pk for number in range(2)], unread=False)
    Action.objects.filter(message=message(account)).update(state=ActionState.DONE, ended_at=timezone.now())
    assert store.forget_actions(timezone.now() - timedelta(days=1)) == 0
    assert store.forget_actions(timezone.now() + timedelta(days=1)) == 1
    assert states(account) == [ActionState.PENDING]
