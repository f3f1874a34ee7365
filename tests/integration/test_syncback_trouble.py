"""What is changed here, where the server refuses or hangs up, the process dies, or the message is gone."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from mail import actions, lease
from mail.imap.editing import Editor
from mail.mirror import sync_account, syncback
from mail.models import Action, ActionState, Message
from mail.types import ChangeRefused, ConnectionFailed
from tests.integration.marking import *  # noqa: F403 -- fixtures
from tests.integration.marking import agrees, flags_on_server, make_due, message, states
from tests.integration.mirroring import fill, log_of, sync
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


def refuse(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def change_flags(*_: object) -> Any:
        raise error

    monkeypatch.setattr(Editor, "change_flags", change_flags)


def test_what_the_server_refuses_for_good_is_taken_back(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = message(account)
    actions.change(account.pk, [row.pk], unread=False)
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


def long_ago() -> Any:
    return timezone.now() - syncback.PATIENCE - timedelta(minutes=1)


def test_what_is_refused_for_now_is_tried_again_later_and_then_given_up(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = message(account)
    actions.change(account.pk, [row.pk], unread=False)
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


def test_an_account_sleeps_while_a_change_waits_behind_one_that_rests(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = message(account)
    actions.change(account.pk, [row.pk], unread=False)
    actions.change(account.pk, [row.pk], starred=True)
    with monkeypatch.context() as patched:
        refuse(patched, ChangeRefused("Not now."))
        sync(account)
        actions.change(account.pk, [row.pk], folders=row.folder_ids)
        sync(account)
    account.refresh_from_db()
    assert account.next_sync_at is not None
    assert account.next_sync_at > timezone.now()
    assert not any(claim.wished for claim in lease.claim_due(5))
    make_due(tries=1)
    sync(account)
    assert states(account) == [ActionState.DONE] * 3


def test_an_old_change_is_tried_some_times_before_it_is_given_up(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server was away for long."""
    actions.change(account.pk, [message(account).pk], unread=False)
    make_due(created_at=long_ago())
    refuse(monkeypatch, ChangeRefused("Not now."))
    sync(account)
    assert states(account) == [ActionState.PENDING]


def test_a_change_at_which_the_server_hangs_up_stops_neither_the_others_nor_the_sync(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(syncback, "AT_ONCE", 4)  # then each alone
    original = Editor.change_flags

    def hang_up(editor: Editor, name: str, uidvalidity: int, changes: Any) -> Any:
        if any(2 in change.uids for change in changes):
            raise ConnectionFailed("The server hung up.")
        return original(editor, name, uidvalidity, changes)

    monkeypatch.setattr(Editor, "change_flags", hang_up)
    for number in range(3):
        actions.change(account.pk, [message(account, number).pk], unread=False)
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
    actions.change(account.pk, [row.pk], unread=False)
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
    actions.change(account.pk, [row.pk], starred=True)
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
    actions.change(account.pk, [row.pk], starred=True)
    sync(account)
    assert all(flags == set() for flags in flags_on_server(mailbox, "Moved").values()), "UID 1 is another mail now"
    assert agrees(account, mailbox)
