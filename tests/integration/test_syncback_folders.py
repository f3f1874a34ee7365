"""Folders that are made, renamed and deleted here reach the server once, and readers never see them flap."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from accounts.models import Account
from mail import actions, filing
from mail.models import ActionState, Folder, Message
from syncfarm.dovecot import Dovecot
from tests.integration.filing import *  # noqa: F403 -- fixtures
from tests.integration.filing import WORK, fetched, folder, folder_log, joined, on_server, seen
from tests.integration.marking import agrees, make_due, message, states
from tests.integration.mirroring import connected, ids, log_of, sync
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


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


def test_a_trash_that_was_just_made_is_the_trash(account: Account, mailbox: Mailbox) -> None:
    made = filing.make_folder(account.pk, "Trash")
    assert filing.ensure_folder(account.pk, "trash") == made
    sync(account)
    assert filing.ensure_folder(account.pk, "trash") == made
    assert states(account) == [ActionState.DONE]
    assert agrees(account, mailbox)
