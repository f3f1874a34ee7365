"""Moves and deletions that are made here reach the server once, and readers never see them flap."""

from typing import Any

import pytest

from accounts.models import Account
from mail import actions
from mail.imap.editing import Editor
from mail.models import ActionState, Message
from tests.integration.filing import fetched
from tests.integration.marking import agrees, flags_on_server, make_due, message, states
from tests.integration.mirroring import connected, fill, log_of, mail, sync
from tests.integration.moving import *  # noqa: F403 -- fixtures
from tests.integration.moving import folder, folders_of, on_server, silent
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


def test_a_move_is_seen_at_once_and_reaches_the_server_without_a_download(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    row, seen = message(account), len(log_of(account))
    asked = fetched(monkeypatch)
    assert actions.change(account.pk, [row.pk], folders=[folder(account, "Kept")]) == 1
    assert folders_of(row) == {"Kept"}
    assert log_of(account, seen) == [("message", "updated"), ("thread", "updated")]
    assert on_server(mailbox) == {"INBOX": 4, "Kept": 0, "Trash": 0}
    sync(account)
    assert on_server(mailbox) == {"INBOX": 3, "Kept": 1, "Trash": 0}
    assert folders_of(row) == {"Kept"}
    assert states(account) == [ActionState.DONE]
    assert asked == []
    assert [entry for entry in log_of(account, seen + 2) if entry[0] != "folder"] == [], "told once"
    assert agrees(account, mailbox)
    sync(account, thorough=True)
    assert agrees(account, mailbox)


def test_mail_that_comes_after_a_move_is_taken(account: Account, mailbox: Mailbox) -> None:
    actions.change(account.pk, [message(account).pk], folders=[folder(account, "Kept")])
    sync(account)
    with mailbox.client() as client:
        fill(client, "Kept", 2, start=10)
    sync(account)
    assert agrees(account, mailbox)


def test_a_message_that_another_client_flagged_moves_into_an_empty_folder(account: Account, mailbox: Mailbox) -> None:
    """Nobody tells of the flag: what the mirror knows of the folder begins after the move."""
    with mailbox.client() as client:
        client.select_folder("INBOX")
        client.add_flags([1], ["$Label1", "\\Flagged"])
    actions.change(account.pk, [message(account).pk], folders=[folder(account, "Kept")])
    sync(account)
    assert on_server(mailbox) == {"INBOX": 3, "Kept": 1, "Trash": 0}
    assert agrees(account, mailbox)


def test_many_messages_move_with_one_command(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[list[int]] = []
    original = Editor.move

    def move(editor: Editor, name: str, uidvalidity: int, uids: Any, target: str) -> Any:
        calls.append(sorted(uids))
        return original(editor, name, uidvalidity, uids, target)

    monkeypatch.setattr(Editor, "move", move)
    rows = [message(account, number).pk for number in range(4)]
    actions.change(account.pk, rows, folders=[folder(account, "Kept")], unread=False)
    sync(account)
    assert calls == [[1, 2, 3, 4]]
    assert all(flags == {"\\Seen"} for flags in flags_on_server(mailbox, "Kept").values())
    assert agrees(account, mailbox)


def test_the_last_word_about_folders_counts(account: Account, mailbox: Mailbox) -> None:
    row = message(account)
    for name in ("Kept", "Trash", "INBOX", "Kept"):
        actions.change(account.pk, [row.pk], folders=[folder(account, name)])
    assert states(account) == [*[ActionState.SUPERSEDED] * 3, ActionState.PENDING]
    sync(account)
    assert on_server(mailbox) == {"INBOX": 3, "Kept": 1, "Trash": 0}
    assert agrees(account, mailbox)


def test_a_message_can_be_in_several_folders(account: Account, mailbox: Mailbox) -> None:
    row = message(account)
    actions.change(account.pk, [row.pk], folders=[folder(account, "INBOX"), folder(account, "Kept")])
    sync(account)
    assert on_server(mailbox) == {"INBOX": 4, "Kept": 1, "Trash": 0}
    assert folders_of(row) == {"INBOX", "Kept"}
    actions.change(account.pk, [row.pk], folders=[folder(account, "Trash")])
    sync(account)
    assert on_server(mailbox) == {"INBOX": 3, "Kept": 0, "Trash": 1}
    assert folders_of(row) == {"Trash"}
    assert agrees(account, mailbox)


def test_where_the_server_does_not_tell_the_new_place_it_is_looked_for(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent(monkeypatch)
    row, seen = message(account), len(log_of(account))
    actions.change(account.pk, [row.pk], folders=[folder(account, "Kept")])
    sync(account)
    assert states(account) == [ActionState.DONE]
    assert on_server(mailbox) == {"INBOX": 3, "Kept": 1, "Trash": 0}
    assert [entry for entry in log_of(account, seen) if entry[0] != "folder"] == [
        ("message", "updated"),
        ("thread", "updated"),
    ]
    assert agrees(account, mailbox)


def test_a_deletion_is_seen_at_once_and_reaches_the_server(account: Account, mailbox: Mailbox) -> None:
    row, seen = message(account), len(log_of(account))
    assert actions.delete(account.pk, [row.pk]) == 1
    assert not Message.objects.shown().filter(pk=row.pk).exists()
    assert log_of(account, seen) == [("message", "deleted"), ("thread", "deleted")]
    assert actions.delete(account.pk, [row.pk]) == actions.change(account.pk, [row.pk], unread=False) == 0
    sync(account)
    assert on_server(mailbox) == {"INBOX": 3, "Kept": 0, "Trash": 0}
    assert not Message.objects.filter(pk=row.pk).exists()
    assert states(account) == [ActionState.DONE]
    assert [entry for entry in log_of(account, seen + 2) if entry[0] != "folder"] == [], "told once"
    assert agrees(account, mailbox)


def test_a_deletion_from_several_folders_leaves_others_that_are_marked(account: Account, mailbox: Mailbox) -> None:
    row = message(account)
    with mailbox.client() as client:
        client.select_folder("INBOX")
        client.copy([1], "Kept")
        client.delete_messages([2])
    sync(account)
    actions.delete(account.pk, [row.pk])
    sync(account)
    assert on_server(mailbox) == {"INBOX": 3, "Kept": 0, "Trash": 0}
    assert agrees(account, mailbox)


def test_a_message_that_another_client_moved_first_is_fetched_from_there(account: Account, mailbox: Mailbox) -> None:
    row = message(account)
    with mailbox.client() as client:
        client.select_folder("INBOX")
        client.copy([1], "Trash")
        client.delete_messages([1])
        client.expunge()
    actions.change(account.pk, [row.pk], folders=[folder(account, "Kept")])
    sync(account)
    make_due()
    sync(account)
    assert on_server(mailbox) == {"INBOX": 3, "Kept": 1, "Trash": 0}
    assert folders_of(row) == {"Kept"}
    assert agrees(account, mailbox)


def test_twins_move_together(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.create_folder("Kept")
        for _ in range(2):
            client.append("INBOX", mail("Twin", Message_ID="<t@x>"))
    account = connected(mailbox)
    sync(account)
    row = Message.objects.get()
    actions.change(account.pk, [row.pk], folders=[folder(account, "Kept")])
    sync(account)
    assert on_server(mailbox) == {"INBOX": 0, "Kept": 1}, "one moves, the other is a copy that is not wanted"
    assert agrees(account, mailbox)


def test_a_message_that_moved_here_and_on_the_server_returns(account: Account, mailbox: Mailbox) -> None:
    row = message(account)
    actions.change(account.pk, [row.pk], folders=[folder(account, "Kept")])
    sync(account)
    with mailbox.client() as client:
        client.select_folder("Kept")
        client.copy([1], "INBOX")
        client.delete_messages([1])
        client.expunge()
    sync(account)
    assert folders_of(row) == {"INBOX"}
    assert agrees(account, mailbox)
