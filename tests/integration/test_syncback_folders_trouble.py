"""Folders that are changed here, where the process dies, the server refuses, or another client is faster."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from mail import actions, filing, store
from mail.imap.editing import Editor
from mail.mirror import syncback
from mail.models import Action, ActionState, Folder
from mail.types import ChangeRefused
from tests.integration.filing import *  # noqa: F403 -- fixtures
from tests.integration.filing import WORK, fetched, folder, folder_log, joined, on_server, seen
from tests.integration.marking import agrees, make_due, message, states
from tests.integration.mirroring import fill, ids, log_of, sync
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


def dying(*_: object) -> None:
    raise KeyboardInterrupt


def dies(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn whose process ends after the server did what it was asked for."""
    with monkeypatch.context() as patched:
        patched.setattr(syncback, "_note", dying)
        with pytest.raises(KeyboardInterrupt):
            sync(account)
    make_due()


@pytest.mark.parametrize("kind", ["make", "rename", "delete"])
def test_a_process_that_dies_after_the_server_did_it_does_not_have_it_done_twice(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    old = folder(account, "Work", "Old")
    asked, before = fetched(monkeypatch), ids(account)
    if kind == "make":
        old = filing.make_folder(account.pk, "New", folder(account, "Work"))
    elif kind == "rename":
        filing.change_folder(account.pk, folder(account, "Work"), "Play")
    else:
        filing.delete_folder(account.pk, old)
    dies(account, monkeypatch)
    sync(account)
    expected = {
        "make": {("Work",): 2, ("Work", "Old"): 1, ("Work", "New"): 0},
        "rename": {("Play",): 2, ("Play", "Old"): 1},
        "delete": {("Work",): 2},
    }[kind]
    assert on_server(mailbox) == expected
    assert seen(account) == set(expected)
    assert Folder.objects.filter(pk=old).exists() is (kind != "delete")
    assert states(account) == [ActionState.DONE]
    if kind != "delete":
        assert (ids(account), asked) == (before, [])
    assert agrees(account, mailbox)


def test_a_folder_that_was_made_unnoticed_is_deleted_all_the_same(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = filing.make_folder(account.pk, "Passing")
    dies(account, monkeypatch)
    filing.delete_folder(account.pk, made)
    sync(account)
    assert set(on_server(mailbox)) == WORK
    assert seen(account) == WORK
    assert states(account) == [ActionState.SUPERSEDED, ActionState.DONE]
    assert agrees(account, mailbox)


@pytest.mark.parametrize("kind", ["make", "rename", "delete"])
def test_what_the_server_refuses_for_good_is_taken_back(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    work, old = folder(account, "Work"), folder(account, "Work", "Old")
    if kind == "make":
        filing.make_folder(account.pk, "New", work)
    elif kind == "rename":
        filing.change_folder(account.pk, work, "Play")
    else:
        filing.delete_folder(account.pk, old)
    after = len(log_of(account))
    wished = seen(account)

    def refuse(*_: object) -> Any:
        raise ChangeRefused("You may not.", permanent=True)

    verb = {"make": "create_folder", "rename": "rename_folder", "delete": "delete_folder"}[kind]
    with monkeypatch.context() as patched:
        patched.setattr(Editor, verb, refuse)
        sync(account)
    assert seen(account) == WORK
    # The child count of the parent is seen, too.
    told = {"make": ["updated", "deleted"], "rename": ["updated"] * 2, "delete": ["created", "updated"]}[kind]
    assert sorted(folder_log(account, after)) == sorted(told)
    (action,) = Action.objects.all()
    assert (action.state, action.error) == (ActionState.FAILED, "You may not.")
    assert actions.retry(account.pk, [action.id]) == 1
    assert seen(account) == wished
    sync(account)
    assert set(on_server(mailbox)) == wished
    assert states(account) == [ActionState.DONE]
    assert agrees(account, mailbox)


def test_mail_does_not_go_into_a_folder_that_could_not_be_made(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = message(account)
    actions.change(account.pk, [row.pk], folders=[filing.make_folder(account.pk, "New")])

    def refuse(*_: object) -> Any:
        raise ChangeRefused("You may not.", permanent=True)

    monkeypatch.setattr(Editor, "create_folder", refuse)
    sync(account)
    assert states(account) == [ActionState.FAILED] * 2
    row.refresh_from_db()
    assert row.folder_ids == [folder(account, "INBOX")]
    assert agrees(account, mailbox)


def test_mail_waits_for_a_folder_that_is_refused_for_now(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, made = message(account), filing.make_folder(account.pk, "New")
    actions.change(account.pk, [row.pk], folders=[made])

    def refuse(*_: object) -> Any:
        raise ChangeRefused("Not now.")

    with monkeypatch.context() as patched:
        patched.setattr(Editor, "create_folder", refuse)
        sync(account)
    assert states(account) == [ActionState.PENDING] * 2
    assert seen(account) == WORK | {("New",)}
    make_due()
    sync(account)
    assert on_server(mailbox)[("New",)] == 1
    assert states(account) == [ActionState.DONE] * 2
    assert agrees(account, mailbox)


@pytest.mark.parametrize("kind", ["rename", "delete", "move into"])
def test_a_folder_that_another_client_deleted_first_is_gone(account: Account, mailbox: Mailbox, kind: str) -> None:
    row, old = message(account), folder(account, "Work", "Old")
    with mailbox.client() as client:
        client.delete_folder(joined(account, "Work", "Old"))
    if kind == "rename":
        filing.change_folder(account.pk, old, "Older")
    elif kind == "delete":
        filing.delete_folder(account.pk, old)
    else:
        actions.change(account.pk, [row.pk], folders=[old])
    sync(account)
    make_due()
    sync(account)
    assert seen(account) == {("Work",)}
    assert states(account) == [ActionState.DONE if kind == "delete" else ActionState.FAILED]
    assert agrees(account, mailbox)


@pytest.mark.parametrize("kind", ["rename", "delete"])
def test_a_folder_that_another_client_renamed_first_is_found(account: Account, mailbox: Mailbox, kind: str) -> None:
    old = folder(account, "Work", "Old")
    with mailbox.client() as client:
        client.rename_folder(joined(account, "Work", "Old"), "Elsewhere")
    if kind == "rename":
        filing.change_folder(account.pk, old, "Older")
    else:
        filing.delete_folder(account.pk, old)
    sync(account)
    make_due()
    sync(account)
    if kind == "rename":
        assert on_server(mailbox) == {("Work",): 2, ("Older",): 1}
        assert folder(account, "Older") == old
    else:
        sync(account)
    assert states(account) == [ActionState.DONE]
    assert agrees(account, mailbox)


def test_a_folder_that_is_there_already_is_the_one_that_was_to_be_made(account: Account, mailbox: Mailbox) -> None:
    made = filing.make_folder(account.pk, "Plans")
    with mailbox.client() as client:
        client.create_folder("Plans")
        fill(client, "Plans", 1)
    sync(account)
    assert folder(account, "Plans") == made
    assert states(account) == [ActionState.DONE]
    assert agrees(account, mailbox)


def test_a_name_that_is_taken_meanwhile_is_refused_and_taken_back(account: Account, mailbox: Mailbox) -> None:
    work = folder(account, "Work")
    filing.change_folder(account.pk, work, "Plans")
    with mailbox.client() as client:
        client.create_folder("Plans")
    sync(account)
    make_due()
    sync(account)
    assert states(account) == [ActionState.FAILED]
    assert "already" in Action.objects.get().error
    assert folder(account, "Work") == work
    assert agrees(account, mailbox)


def test_what_waits_for_an_earlier_change_does_not_keep_the_account_busy(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = filing.make_folder(account.pk, "New")
    inner = filing.make_folder(account.pk, "Inner", made)
    filing.change_folder(account.pk, made, "Newer")

    def refuse(*_: object) -> Any:
        raise ChangeRefused("Not now.")

    with monkeypatch.context() as patched:
        patched.setattr(Editor, "create_folder", refuse)
        for _ in range(2):
            sync(account)
            due = store.next_action_at(account.pk)
            assert due
            assert due > timezone.now()
            filing.change_folder(account.pk, made, "Newest")
            assert store.next_action_at(account.pk) == due
    assert states(account).count(ActionState.PENDING) == 3
    make_due()
    sync(account)
    assert set(on_server(mailbox)) == WORK | {("Newest",), ("Newest", "Inner")}
    assert folder(account, "Newest", "Inner") == inner
    assert agrees(account, mailbox)


def test_after_a_death_what_was_wished_later_overtakes_nothing(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    work, other = folder(account, "Work"), folder(account, "Work", "Old")
    filing.change_folder(account.pk, work, "Play")
    filing.change_folder(account.pk, other, "Work", moves=True)
    filing.change_folder(account.pk, work, "Rest")
    dies(account, monkeypatch)
    for _ in range(2):
        sync(account)
        make_due()
    assert on_server(mailbox) == {("Rest",): 2, ("Work",): 1}
    assert (folder(account, "Rest"), folder(account, "Work")) == (work, other)
    assert states(account) == [ActionState.DONE] * 3
    assert agrees(account, mailbox)


def test_a_folder_that_could_not_be_made_and_is_there_now_is_not_made_again(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = filing.make_folder(account.pk, "New")
    with mailbox.client() as client:
        client.create_folder("New")
    sync(account)
    Action.objects.update(state=ActionState.FAILED)
    assert actions.retry(account.pk, [Action.objects.get().id]) == 1
    sync(account)
    assert folder(account, "New") == made
    assert states(account) == [ActionState.DONE]
    assert agrees(account, mailbox)
