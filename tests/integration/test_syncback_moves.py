"""Moves and deletions that are made here reach the server once, and readers never see them flap."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from accounts.models import Account
from mail import actions
from mail.imap.editing import Editor
from mail.imap.session import MailSession
from mail.mirror import syncback
from mail.models import Action, ActionState, Folder, Gap, Message
from mail.types import ChangeRefused, Copied
from tests.integration.marking import agrees, flags_on_server, make_due, message, states
from tests.integration.mirroring import connected, fill, log_of, mail, sync
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


@pytest.fixture
def account(mailbox: Mailbox) -> Account:
    """Four unread mails in the inbox, and two empty folders; mirrored."""
    with mailbox.client() as client:
        fill(client, "INBOX", 4)
        client.create_folder("Kept")
        client.create_folder("Trash")
    account = connected(mailbox)
    sync(account)
    return account


def folder(account: Account, name: str) -> UUID:
    return Folder.objects.get(account=account, name=name).pk


def folders_of(row: Message) -> set[str]:
    row.refresh_from_db()
    return set(Folder.objects.filter(pk__in=row.folder_ids).values_list("name", flat=True))


def on_server(mailbox: Mailbox) -> dict[str, int]:
    with mailbox.client() as client:
        return {
            name: client.folder_status(name, ["MESSAGES"])[b"MESSAGES"]
            for name in ("INBOX", "Kept", "Trash")
            if client.folder_exists(name)
        }


def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """UIDs of the bodies that are asked for from now on."""
    asked: list[int] = []
    original = MailSession.bodies

    def bodies(session: MailSession, uids: Any, **options: Any) -> Any:
        asked.extend(uids)
        return original(session, uids, **options)

    monkeypatch.setattr(MailSession, "bodies", bodies)
    return asked


def silent(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not tell where messages came to lie."""
    for name in ("move", "copy"):
        original = getattr(Editor, name)
        monkeypatch.setattr(Editor, name, lambda *given, original=original: (original(*given), Copied())[1])


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
