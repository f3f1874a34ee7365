"""What is changed here reaches the server, once and in order, and readers never see it flap."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

import tasks
from accounts.models import Account, AccountState
from mail import actions, lease, store
from mail.imap.session import MailSession
from mail.mirror import sync_account, syncback
from mail.models import Action, ActionState, Message, Thread
from mail.types import ChangeRefused, ConnectionFailed
from tests.integration.mirroring import connected, fill, log_of, mirror_state, server_state, sync
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


@pytest.fixture
def account(mailbox: Mailbox) -> Account:
    """Four unread mails in the inbox, mirrored."""
    with mailbox.client() as client:
        fill(client, "INBOX", 4)
    account = connected(mailbox)
    sync(account)
    return account


def message(account: Account, number: int = 0) -> Message:
    return Message.objects.get(account=account, subject=f"INBOX {number}")


def flags_on_server(mailbox: Mailbox, folder: str = "INBOX") -> dict[int, set[str]]:
    with mailbox.client() as client:
        return {uid: set(flags) for uid, (flags, _digest) in server_state(client)[folder].items()}


def agrees(account: Account, mailbox: Mailbox) -> bool:
    with mailbox.client() as client:
        assert mirror_state(account) == server_state(client)
    return True


def states(account: Account) -> list[str]:
    return list(Action.objects.filter(account=account).order_by("number").values_list("state", flat=True))


def refuse(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def change_flags(*_: object) -> Any:
        raise error

    monkeypatch.setattr(MailSession, "change_flags", change_flags)


def test_readers_see_a_change_at_once_and_the_server_after_the_next_turn(account: Account, mailbox: Mailbox) -> None:
    seen = len(log_of(account))
    row = message(account)
    assert actions.change_flags(account.pk, [row.pk], unread=False, starred=True) == 1
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
        actions.change_flags(account.pk, [row.pk], unread=unread, starred=starred)
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
    actions.change_flags(account.pk, [message(account).pk], starred=True)
    with mailbox.client() as client:
        client.select_folder("INBOX")
        client.add_flags([1], [b"\\Answered", b"$Work"])
    sync(account)
    assert flags_on_server(mailbox)[1] == {"\\Flagged", "\\Answered", "$Work"}
    assert agrees(account, mailbox)


def test_a_pending_change_outlasts_what_the_server_tells(account: Account, mailbox: Mailbox) -> None:
    """The server still has the old flag, and tells of the message: readers must not see it flap."""
    row = message(account)
    actions.change_flags(account.pk, [row.pk], unread=False)
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
    actions.change_flags(account.pk, [message(account).pk], unread=False)
    sync(account)
    assert flags_on_server(mailbox)[1] == {"\\Seen"}
    assert flags_on_server(mailbox, "Kept & geschützt")[1] == {"\\Seen"}
    assert agrees(account, mailbox)


def test_many_messages_change_with_few_commands(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    original = MailSession.change_flags

    def counted(session: MailSession, name: str, uidvalidity: int, changes: Any) -> Any:
        asked.append((name, [(change.flag, change.add, sorted(change.uids)) for change in changes]))
        return original(session, name, uidvalidity, changes)

    monkeypatch.setattr(MailSession, "change_flags", counted)
    rows = [message(account, number).pk for number in range(4)]
    actions.change_flags(account.pk, rows, unread=False)
    actions.change_flags(account.pk, rows[:1], unread=True)
    sync(account)
    assert [(name, sorted(changes)) for name, changes in asked] == [
        ("INBOX", [("\\Seen", False, [1]), ("\\Seen", True, [2, 3, 4])])
    ]
    assert agrees(account, mailbox)


def test_what_the_server_refuses_for_good_is_taken_back(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = message(account)
    actions.change_flags(account.pk, [row.pk], unread=False)
    seen = len(log_of(account))
    refuse(monkeypatch, ChangeRefused("You may not.", permanent=True))
    sync(account)
    row.refresh_from_db()
    assert row.unread
    assert log_of(account, seen) == [("message", "updated"), ("thread", "updated")]
    (action,) = Action.objects.all()
    assert (action.state, action.error) == (ActionState.FAILED, "You may not.")
    assert action.ended_at
    assert agrees(account, mailbox)


def make_due(**columns: Any) -> None:
    Action.objects.filter(state=ActionState.PENDING).update(**{"next_try_at": timezone.now(), **columns})


def long_ago() -> Any:
    return timezone.now() - syncback.PATIENCE - timedelta(minutes=1)


def test_what_is_refused_for_now_is_tried_again_later_and_then_given_up(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = message(account)
    actions.change_flags(account.pk, [row.pk], unread=False)
    refuse(monkeypatch, ChangeRefused("Not now."))
    for tries in range(1, syncback.TRIES + 1):
        sync(account)
        (action,) = Action.objects.all()
        assert (action.state, action.tries, action.error) == (ActionState.PENDING, tries, "Not now.")
        assert action.next_try_at > timezone.now()
        account.refresh_from_db()
        assert account.next_sync_at is not None
        assert account.next_sync_at <= action.next_try_at, "the account does not sleep through it"
        row.refresh_from_db()
        assert not row.unread, "it is shown as done as long as it may be"
        make_due()
    make_due(created_at=long_ago())
    sync(account)
    assert states(account) == [ActionState.FAILED]
    row.refresh_from_db()
    assert row.unread


def test_an_old_change_is_tried_some_times_before_it_is_given_up(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server was away for long."""
    actions.change_flags(account.pk, [message(account).pk], unread=False)
    make_due(created_at=long_ago())
    refuse(monkeypatch, ChangeRefused("Not now."))
    sync(account)
    assert states(account) == [ActionState.PENDING]


def test_a_later_change_of_a_message_does_not_overtake_one_that_rests(account: Account, mailbox: Mailbox) -> None:
    first, other = message(account, 0), message(account, 1)
    actions.change_flags(account.pk, [first.pk], unread=False, starred=True)
    Action.objects.update(next_try_at=timezone.now() + timedelta(hours=1))
    actions.change_flags(account.pk, [first.pk], unread=True)
    actions.change_flags(account.pk, [other.pk], unread=False)
    sync(account)
    assert states(account) == [ActionState.PENDING, ActionState.PENDING, ActionState.DONE]
    make_due()
    sync(account)
    assert flags_on_server(mailbox)[1] == {"\\Flagged"}
    assert flags_on_server(mailbox)[2] == {"\\Seen"}


def test_however_often_a_message_changes_few_changes_wait(account: Account, mailbox: Mailbox) -> None:
    row = message(account)
    for number in range(20):
        actions.change_flags(account.pk, [row.pk], unread=number % 2 == 0, starred=number % 3 == 0)
        actions.change_flags(account.pk, [row.pk], unread=number % 5 == 0)
        actions.change_flags(account.pk, [row.pk], starred=number % 7 == 0)
    assert states(account).count(ActionState.PENDING) == 3
    sync(account)
    assert flags_on_server(mailbox)[1] == {"\\Seen"}
    assert agrees(account, mailbox)


def test_a_change_at_which_the_server_hangs_up_stops_neither_the_others_nor_the_sync(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncback, "AT_ONCE", 4)  # then each alone
    original = MailSession.change_flags

    def hang_up(session: MailSession, name: str, uidvalidity: int, changes: Any) -> Any:
        if any(2 in change.uids for change in changes):
            raise ConnectionFailed("The server hung up.")
        return original(session, name, uidvalidity, changes)

    monkeypatch.setattr(MailSession, "change_flags", hang_up)
    for number in range(3):
        actions.change_flags(account.pk, [message(account, number).pk], unread=False)
    assert sync_account(account.pk, lease.claim(account.pk)).error
    assert states(account) == [ActionState.PENDING] * 3
    with mailbox.client() as client:
        fill(client, "INBOX", 1, start=50)
    sync(account)  # which rests from them
    assert Message.objects.filter(subject="INBOX 50").exists()
    make_due()
    assert sync_account(account.pk, lease.claim(account.pk)).error
    assert states(account) == [ActionState.DONE, ActionState.PENDING, ActionState.PENDING], "one after the other"
    Action.objects.filter(number=Action.objects.last().number).update(next_try_at=timezone.now())  # type: ignore[union-attr]
    sync(account)
    assert states(account) == [ActionState.DONE, ActionState.PENDING, ActionState.DONE]
    make_due(created_at=long_ago(), tries=syncback.TRIES)
    assert sync_account(account.pk, lease.claim(account.pk)).error
    assert states(account) == [ActionState.DONE, ActionState.FAILED, ActionState.DONE]
    assert Action.objects.get(state=ActionState.FAILED).error == "The server hung up."
    assert {uid for uid, flags in flags_on_server(mailbox).items() if flags} == {1, 3}
    sync(account)
    assert agrees(account, mailbox)


def dying(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_process_that_dies_after_the_server_changed_leaves_the_change_to_the_next(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = message(account)
    actions.change_flags(account.pk, [row.pk], unread=False)
    with monkeypatch.context() as patched:
        patched.setattr(syncback, "_note", dying)
        with pytest.raises(KeyboardInterrupt):
            sync(account)
    assert flags_on_server(mailbox)[1] == {"\\Seen"}
    assert states(account) == [ActionState.PENDING]
    make_due()
    sync(account)
    assert states(account) == [ActionState.DONE]
    assert agrees(account, mailbox)


def test_a_change_of_a_message_that_left_the_server_ends_with_it(account: Account, mailbox: Mailbox) -> None:
    row = message(account)
    with mailbox.client() as client:
        client.select_folder("INBOX")
        client.delete_messages([1])
        client.expunge()
    actions.change_flags(account.pk, [row.pk], starred=True)
    make_due(next_try_at=timezone.now() + timedelta(hours=1))
    sync(account)
    assert not Message.objects.filter(pk=row.pk).exists()
    assert Action.objects.get().error == "The message was deleted on the server."
    assert states(account) == [ActionState.FAILED]
    assert agrees(account, mailbox)


def test_a_renumbered_folder_is_mirrored_before_it_is_changed(account: Account, mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.create_folder("Moved")
        fill(client, "Moved", 1)
    sync(account)
    with mailbox.client() as client:
        client.delete_folder("Moved")
        client.create_folder("Moved")
        fill(client, "Moved", 2, start=5)
    row = Message.objects.get(account=account, subject="Moved 0")
    actions.change_flags(account.pk, [row.pk], starred=True)
    sync(account)
    assert all(flags == set() for flags in flags_on_server(mailbox, "Moved").values()), "UID 1 is another mail now"
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
            actions.change_flags(account.pk, Message.objects.values_list("pk", flat=True), unread=False)

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
        actions.change_flags(account.pk, [row.pk], unread=not Action.objects.count() % 2)

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
    actions.change_flags(account.pk, [message(account).pk], unread=False)
    tasks.dispatch.dispatch()
    (given,) = sent
    assert given["queue"] == "action"
    assert tasks.sync.sync(**given["kwargs"]) == "done"
    assert states(account) == [ActionState.DONE]
    assert agrees(account, mailbox)


def test_an_account_wakes_for_a_change_that_rests(account: Account) -> None:
    Account.objects.update(interval=300)
    actions.change_flags(account.pk, [message(account).pk], unread=False)
    soon = timezone.now() + timedelta(seconds=30)
    Action.objects.update(next_try_at=soon)
    sync(account)
    sync(account)
    account.refresh_from_db()
    assert account.next_sync_at == soon


def test_an_account_that_backs_off_is_not_hurried(account: Account) -> None:
    later = timezone.now() + timedelta(hours=1)
    Account.objects.update(state=AccountState.ERROR, next_sync_at=later)
    actions.change_flags(account.pk, [message(account).pk], unread=False)
    account.refresh_from_db()
    assert account.next_sync_at == later


def test_ended_actions_are_forgotten_by_age(account: Account) -> None:
    actions.change_flags(account.pk, [message(account, number).pk for number in range(2)], unread=False)
    Action.objects.filter(message=message(account)).update(state=ActionState.DONE, ended_at=timezone.now())
    assert store.forget_actions(timezone.now() - timedelta(days=1)) == 0
    assert store.forget_actions(timezone.now() + timedelta(days=1)) == 1
    assert states(account) == [ActionState.PENDING]
