"""Folders that are made, renamed and deleted here reach the server once, and readers never see them flap."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from accounts.models import Account
from mail import actions, filing
from mail.imap.editing import Editor
from mail.imap.session import MailSession
from mail.mirror import syncback
from mail.models import Action, ActionState, Folder, Message
from mail.types import ChangeRefused
from syncfarm.dovecot import Dovecot
from tests.integration.marking import agrees, make_due, message, states
from tests.integration.mirroring import connected, fill, ids, log_of, sync
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


@pytest.fixture
def account(mailbox: Mailbox) -> Account:
    """Two mails in the inbox, two in "Work", one in "Work/Old"; mirrored."""
    with mailbox.client() as client:
        delimiter = client.list_folders()[0][1].decode()
        fill(client, "INBOX", 2)
        for name, count in (("Work", 2), (f"Work{delimiter}Old", 1)):
            client.create_folder(name)
            fill(client, name, count)
    account = connected(mailbox)
    sync(account)
    return account


def folder(account: Account, *path: str) -> UUID:
    return Folder.objects.get(account=account, seen_name=joined(account, *path)).pk


def joined(account: Account, *path: str) -> str:
    return str(Folder.objects.get(account=account, role="inbox").delimiter).join(path)


def seen(account: Account) -> set[tuple[str, ...]]:
    rows = Folder.objects.shown().filter(account=account)
    return {tuple(row.seen_name.split(row.delimiter)) for row in rows} - {("INBOX",)}


def on_server(mailbox: Mailbox) -> dict[tuple[str, ...], int]:
    """The folders that hold mail, but for the inbox, and how much."""
    with mailbox.client() as client:
        return {
            tuple(name.split(delimiter.decode())): client.folder_status(name, ["MESSAGES"])[b"MESSAGES"]
            for attributes, delimiter, name in client.list_folders()
            if name != "INBOX" and not {b"\\Noselect", b"\\NonExistent"}.intersection(attributes)
        }


def folder_log(account: Account, after: int) -> list[str]:
    return [kind for what, kind in log_of(account, after) if what == "folder"]


def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """UIDs of the bodies that are asked for from now on."""
    asked: list[int] = []
    original = MailSession.bodies

    def bodies(session: MailSession, uids: Any, **options: Any) -> Any:
        asked.extend(uids)
        return original(session, uids, **options)

    monkeypatch.setattr(MailSession, "bodies", bodies)
    return asked


def dying(*_: object) -> None:
    raise KeyboardInterrupt


def dies(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn whose process ends after the server did what it was asked for."""
    with monkeypatch.context() as patched:
        patched.setattr(syncback, "_note", dying)
        with pytest.raises(KeyboardInterrupt):
            sync(account)
    make_due()


WORK = {("Work",), ("Work", "Old")}


@pytest.mark.parametrize("name", ["Plans", "Übers & Jahr 日本 😀", 'Say "a\\b"'])
def test_a_new_folder_is_seen_at_once_and_reaches_the_server(account: Account, mailbox: Mailbox, name: str) -> None:
    after = len(log_of(account))
    made = filing.make_folder(account.pk, name)
    assert seen(account) == WORK | {(name,)}
    assert folder_log(account, after) == ["created"]
    assert set(on_server(mailbox)) == WORK
    sync(account)
    assert set(on_server(mailbox)) == WORK | {(name,)}
    assert folder(account, name) == made
    assert states(account) == [ActionState.DONE]
    assert agrees(account, mailbox)
    told = len(log_of(account))
    sync(account)
    assert len(log_of(account)) == told
    with mailbox.client() as client:
        assert name in [each for _attributes, _delimiter, each in client.list_sub_folders()]


def test_folders_are_made_one_in_the_other(account: Account, mailbox: Mailbox) -> None:
    outer = filing.make_folder(account.pk, "2026", folder(account, "Work"))
    inner = filing.make_folder(account.pk, joined(account, "Work", "2026", "März"))
    assert seen(account) == WORK | {("Work", "2026"), ("Work", "2026", "März")}
    sync(account)
    assert set(on_server(mailbox)) == seen(account)
    assert {folder(account, "Work", "2026"), folder(account, "Work", "2026", "März")} == {outer, inner}
    assert states(account) == [ActionState.DONE] * 2
    assert agrees(account, mailbox)


def test_a_renamed_folder_keeps_its_mail_and_what_is_below_it(
    account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked, before, after = fetched(monkeypatch), ids(account), len(log_of(account))
    work, old = folder(account, "Work"), folder(account, "Work", "Old")
    filing.change_folder(account.pk, work, "Arbeit für Ü")
    assert seen(account) == {("Arbeit für Ü",), ("Arbeit für Ü", "Old")}
    assert folder_log(account, after) == ["updated"] * 2
    sync(account)
    assert on_server(mailbox) == {("Arbeit für Ü",): 2, ("Arbeit für Ü", "Old"): 1}
    assert (folder(account, "Arbeit für Ü"), folder(account, "Arbeit für Ü", "Old")) == (work, old)
    assert (ids(account), asked) == (before, [])
    assert states(account) == [ActionState.DONE]
    assert agrees(account, mailbox)
    sync(account)
    assert folder_log(account, after) == ["updated"] * 2, "told once"


def test_a_folder_moves_below_another_and_to_the_top(account: Account, mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.create_folder("Attic")
    sync(account)
    work, old = folder(account, "Work"), folder(account, "Work", "Old")
    filing.change_folder(account.pk, work, parent=folder(account, "Attic"), moves=True)
    assert seen(account) == {("Attic",), ("Attic", "Work"), ("Attic", "Work", "Old")}
    sync(account)
    assert on_server(mailbox) == {("Attic",): 0, ("Attic", "Work"): 2, ("Attic", "Work", "Old"): 1}
    filing.change_folder(account.pk, old, "Older", moves=True)
    sync(account)
    assert on_server(mailbox) == {("Attic",): 0, ("Attic", "Work"): 2, ("Older",): 1}
    assert folder(account, "Older") == old
    assert agrees(account, mailbox)


def test_a_deleted_folder_is_hidden_at_once_and_its_mail_goes_with_it(account: Account, mailbox: Mailbox) -> None:
    after = len(log_of(account))
    filing.delete_folder(account.pk, folder(account, "Work", "Old"))
    assert seen(account) == {("Work",)}
    assert sorted(folder_log(account, after)) == ["deleted", "updated"], "the parent has a child less"
    sync(account)
    assert on_server(mailbox) == {("Work",): 2}
    assert Message.objects.filter(account=account).count() == 4
    assert states(account) == [ActionState.DONE]
    assert agrees(account, mailbox)


def test_mail_is_moved_out_of_a_folder_before_it_is_deleted(account: Account, mailbox: Mailbox) -> None:
    (row,) = Message.objects.filter(account=account, folder_ids=[folder(account, "Work", "Old")])
    actions.change(account.pk, [row.pk], folders=[folder(account, "Work")])
    filing.delete_folder(account.pk, folder(account, "Work", "Old"))
    sync(account)
    make_due()
    sync(account)
    assert on_server(mailbox) == {("Work",): 3}
    assert states(account) == [ActionState.DONE] * 2
    assert agrees(account, mailbox)


def test_a_folder_is_made_filled_and_renamed_before_the_server_hears_of_it(account: Account, mailbox: Mailbox) -> None:
    row = message(account)
    made = filing.make_folder(account.pk, "Draft", folder(account, "Work"))
    actions.change(account.pk, [row.pk], folders=[made])
    filing.change_folder(account.pk, folder(account, "Work"), "Play")
    filing.change_folder(account.pk, made, "Final")
    assert seen(account) == {("Play",), ("Play", "Old"), ("Play", "Final")}
    sync(account)
    assert on_server(mailbox) == {("Play",): 2, ("Play", "Old"): 1, ("Play", "Final"): 1}
    row.refresh_from_db()
    assert row.folder_ids == [made]
    assert folder(account, "Play", "Final") == made
    assert states(account) == [ActionState.DONE] * 4
    assert agrees(account, mailbox)


def test_a_folder_that_is_deleted_before_it_was_made_never_was(account: Account, mailbox: Mailbox) -> None:
    made = filing.make_folder(account.pk, "Passing")
    filing.delete_folder(account.pk, made)
    assert seen(account) == WORK
    sync(account)
    assert set(on_server(mailbox)) == WORK
    assert states(account) == [ActionState.SUPERSEDED]
    assert not Folder.objects.filter(pk=made).exists()


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


def test_folders_swap_their_names(account: Account, mailbox: Mailbox) -> None:
    work, other = folder(account, "Work"), filing.make_folder(account.pk, "Other")
    sync(account)
    filing.change_folder(account.pk, work, "Passing")
    filing.change_folder(account.pk, other, "Work")
    filing.change_folder(account.pk, work, "Other")
    for _ in range(3):
        sync(account)
        make_due()
    assert (folder(account, "Other"), folder(account, "Work")) == (work, other)
    assert on_server(mailbox) == {("Other",): 2, ("Other", "Old"): 1, ("Work",): 0}
    assert agrees(account, mailbox)


def test_a_mailbox_gets_the_folder_of_a_role_that_it_lacks(account: Account, mailbox: Mailbox) -> None:
    trash = filing.ensure_folder(account.pk, "trash")
    assert filing.ensure_folder(account.pk, "trash") == trash
    sync(account)
    row = Folder.objects.get(pk=trash)
    assert (row.role, row.seen_name) == ("trash", "Trash")
    assert filing.ensure_folder(account.pk, "trash") == trash
    assert ("Trash",) in on_server(mailbox)
    assert agrees(account, mailbox)


@pytest.fixture
def prefixed(tmp_path: Path) -> Iterator[Mailbox]:
    """A mailbox all of which is below its inbox, as on Courier; there is no other folder yet."""
    extra = "namespace inbox {\n  inbox = yes\n  prefix = INBOX.\n  separator = .\n}\n"
    with Dovecot.start(tmp_path, {}, mail_location="maildir:~/Maildir", extra=extra) as server:
        server.add_user("prefixed@example.test", "correct horse")
        yield Mailbox(server, "prefixed@example.test")


def test_where_all_is_below_the_inbox_the_first_folder_is_too(prefixed: Mailbox) -> None:
    account = connected(prefixed)
    sync(account)
    first = filing.make_folder(account.pk, "Plans")
    sync(account)
    assert folder(account, "INBOX", "Plans") == first
    second = filing.ensure_folder(account.pk, "trash")
    filing.change_folder(account.pk, first, "Plan & Ü")
    sync(account)
    assert set(on_server(prefixed)) == {("INBOX", "Plan & Ü"), ("INBOX", "Trash")} == seen(account)
    assert Folder.objects.get(pk=second).role == "trash"
    assert states(account) == [ActionState.DONE] * 3
    assert agrees(account, prefixed)
