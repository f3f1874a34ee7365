"""Moves and deletions made here, where the server refuses, is silent or a process dies: done once, or taken back."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from mail import actions
from mail.imap.editing import Editor
from mail.mirror import syncback
from mail.models import Action, ActionState, Folder, Gap, Message
from mail.types import ChangeRefused
from tests.integration.marking import agrees, flags_on_server, make_due, message, states
from tests.integration.mirroring import log_of, sync
from tests.integration.moving import *  # noqa: F403 -- fixtures
from tests.integration.moving import folder, folders_of, on_server, silent
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


def dying(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("target", [["Kept"], ["INBOX", "Kept"], []])
@pytest.mark.parametrize("quiet", [False, True])
def test_a_process_that_dies_after_the_server_did_it_does_not_have_it_done_twice(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, target: list[str], quiet: bool
) -> None:
    if quiet:
        silent(monkeypatch)
    row = message(account)
    if target:
        actions.change(account.pk, [row.pk], folders=[folder(account, name) for name in target])
    else:
        actions.delete(account.pk, [row.pk])
    with monkeypatch.context() as patched:
        patched.setattr(syncback, "_note", dying)
        with pytest.raises(KeyboardInterrupt):
            sync(account)
    make_due()
    sync(account)
    expected = {"INBOX": 4 if "INBOX" in target else 3, "Kept": int("Kept" in target), "Trash": 0}
    assert on_server(mailbox) == expected
    assert states(account) == [ActionState.DONE]
    assert agrees(account, mailbox)
    assert Message.objects.filter(pk=row.pk).exists() is bool(target)


def test_a_silent_server_is_told_once_what_a_first_try_did_not_reach(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent(monkeypatch)
    row = message(account)
    actions.change(account.pk, [row.pk], folders=[folder(account, name) for name in ("INBOX", "Kept")])
    with monkeypatch.context() as patched:
        patched.setattr(Editor, "copy", dying)
        with pytest.raises(KeyboardInterrupt):
            sync(account)
    for _ in range(2):
        make_due()
        sync(account)
    assert on_server(mailbox) == {"INBOX": 4, "Kept": 1, "Trash": 0}
    assert states(account) == [ActionState.DONE]
    assert agrees(account, mailbox)


def test_a_change_of_mind_just_before_the_server_is_told_counts(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, original = message(account), syncback._together
    inbox, kept, trash = (folder(account, name) for name in ("INBOX", "Kept", "Trash"))
    actions.change(account.pk, [row.pk], folders=[inbox, kept])

    def changing(due: Any) -> Any:
        monkeypatch.setattr(syncback, "_together", original)
        actions.change(account.pk, [row.pk], folders=[inbox, trash])
        return original(due)

    monkeypatch.setattr(syncback, "_together", changing)
    with monkeypatch.context() as patched:
        patched.setattr(syncback, "_note", dying)
        with pytest.raises(KeyboardInterrupt):
            sync(account)
    make_due()
    sync(account)
    assert on_server(mailbox) == {"INBOX": 4, "Kept": 0, "Trash": 1}
    assert agrees(account, mailbox)


def test_a_change_of_mind_after_an_unconfirmed_copy_leaves_none_behind(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = message(account)
    inbox = folder(account, "INBOX")
    actions.change(account.pk, [row.pk], folders=[inbox, folder(account, "Kept")])
    with monkeypatch.context() as patched:
        patched.setattr(syncback, "_note", dying)
        with pytest.raises(KeyboardInterrupt):
            sync(account)
    actions.change(account.pk, [row.pk], folders=[inbox, folder(account, "Trash")])
    sync(account)
    assert on_server(mailbox) == {"INBOX": 4, "Kept": 0, "Trash": 1}
    assert agrees(account, mailbox)


def test_a_copy_that_a_worker_died_of_is_not_taken_for_none(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy was made unnoticed; whoever looked at it died, so that its UID is set aside. Then it is not wanted."""
    row = message(account)
    inbox, kept = folder(account, "INBOX"), folder(account, "Kept")
    actions.change(account.pk, [row.pk], folders=[inbox, kept])
    with monkeypatch.context() as patched:
        patched.setattr(syncback, "_note", dying)
        with pytest.raises(KeyboardInterrupt):
            sync(account)
    later = timezone.now() + timedelta(hours=1)
    Gap.objects.create(folder_id=kept, uid=1, next_try_at=later, reason="the worker died")
    Folder.objects.filter(pk=kept).update(uidnext=2)
    actions.change(account.pk, [row.pk], folders=[inbox])
    sync(account)
    assert states(account) == [ActionState.SUPERSEDED, ActionState.PENDING]
    Gap.objects.update(next_try_at=timezone.now())
    make_due()
    for _ in range(2):
        sync(account)
        make_due()
    assert on_server(mailbox) == {"INBOX": 4, "Kept": 0, "Trash": 0}
    assert states(account)[-1] == ActionState.DONE
    assert agrees(account, mailbox)


def test_flags_of_a_message_that_may_have_moved_wait_until_it_was_looked_for(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = message(account)
    actions.change(account.pk, [row.pk], folders=[folder(account, "Kept")])
    with monkeypatch.context() as patched:
        patched.setattr(syncback, "_note", dying)
        with pytest.raises(KeyboardInterrupt):
            sync(account)
    make_due()
    actions.change(account.pk, [row.pk], starred=True)
    actions.change(account.pk, [row.pk], folders=[folder(account, "Trash")])
    sync(account)
    assert flags_on_server(mailbox, "Trash") == {1: {"\\Flagged"}}
    assert agrees(account, mailbox)


@pytest.mark.parametrize("verb", ["move", "remove"])
def test_what_the_server_refuses_for_good_is_taken_back(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    row = message(account)
    if verb == "move":
        actions.change(account.pk, [row.pk], folders=[folder(account, "Kept")])
    else:
        actions.delete(account.pk, [row.pk])
    seen = len(log_of(account))

    def refuse(*_: object) -> Any:
        raise ChangeRefused("You may not.", permanent=True)

    with monkeypatch.context() as patched:
        patched.setattr(Editor, verb, refuse)
        sync(account)
    assert Message.objects.shown().filter(pk=row.pk).exists()
    assert folders_of(row) == {"INBOX"}
    kind = "updated" if verb == "move" else "created"
    assert log_of(account, seen) == [("message", kind), ("thread", kind)]
    (action,) = Action.objects.all()
    assert (action.state, action.error) == (ActionState.FAILED, "You may not.")
    actions.retry(account.pk, [action.id])
    sync(account)
    assert on_server(mailbox)["INBOX"] == 3
    assert agrees(account, mailbox)


def test_a_move_into_a_folder_that_is_gone_waits_and_is_given_up(account: Account, mailbox: Mailbox) -> None:
    row = message(account)
    actions.change(account.pk, [row.pk], folders=[folder(account, "Kept")])
    with mailbox.client() as client:
        client.delete_folder("Kept")
    sync(account)
    assert states(account) == [ActionState.PENDING]
    make_due(created_at=timezone.now() - syncback.PATIENCE - timedelta(minutes=1), tries=syncback.TRIES)
    sync(account)
    assert states(account) == [ActionState.FAILED]
    assert folders_of(row) == {"INBOX"}
    assert "folder" in Action.objects.get().error
    assert agrees(account, mailbox)
