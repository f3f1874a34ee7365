"""One draft of each, where a process dies, the server refuses or alters it, or two versions are alike."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from mail import audit
from mail.imap.editing import Editor
from mail.mirror import syncback
from mail.models import Action, ActionState, Message, Thread
from mail.types import ChangeRefused
from tests.integration.drafted import *  # noqa: F403 -- fixtures
from tests.integration.drafted import agrees, call, subjects
from tests.integration.marking import make_due
from tests.integration.mirroring import sync
from tests.integration.outbound import *  # noqa: F403 -- fixtures
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


def dying(*_: object) -> None:
    raise KeyboardInterrupt


def refusing(*_: object) -> None:
    raise ChangeRefused("You may not.", permanent=True)


def unable(*_: object) -> None:
    raise ChangeRefused("Not now.")


@pytest.mark.parametrize("change", ["nothing", "edited", "deleted"])
def test_a_process_that_dies_after_the_server_took_a_draft_leaves_no_second(
    api: Client, account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    made = call(api, account, "post", "/drafts", subject="One")
    with monkeypatch.context() as patched:
        patched.setattr(syncback, "_note", dying)
        with pytest.raises(KeyboardInterrupt):
            sync(account)
    assert subjects(mailbox) == ["One"]
    if change == "edited":
        call(api, account, "put", f"/drafts/{made['id']}", subject="Two")
    if change == "deleted":
        call(api, account, "delete", f"/drafts/{made['id']}")
    make_due()
    for _ in range(3):
        sync(account)
        make_due()
    assert subjects(mailbox) == {"nothing": ["One"], "edited": ["Two"], "deleted": []}[change]
    assert agrees(account, mailbox)
    assert not Action.objects.filter(state=ActionState.PENDING).exists()


def test_where_the_server_does_not_tell_the_place_of_a_draft_it_is_found(
    api: Client, account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = Editor.append
    monkeypatch.setattr(Editor, "append", lambda *given: (original(*given), (0, 0))[1])
    call(api, account, "post", "/drafts", subject="One")
    sync(account)
    sync(account)
    assert subjects(mailbox) == ["One"]
    assert agrees(account, mailbox)
    assert not Action.objects.filter(state=ActionState.PENDING).exists()


def test_a_server_that_changes_a_draft_on_the_way_in_gets_one(
    api: Client, account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exchange does so. The line breaks before the answer."""
    original = Editor.append

    def append(editor: Editor, name: str, octets: Any, *rest: Any) -> Any:
        original(editor, name, octets[:].replace(b"Subject: One", b"Subject: One altered"), *rest)
        raise KeyboardInterrupt

    made = call(api, account, "post", "/drafts", subject="One")
    with monkeypatch.context() as patched:
        patched.setattr(Editor, "append", append)
        with pytest.raises(KeyboardInterrupt):
            sync(account)
    for _ in range(2):
        make_due()
        sync(account)
    assert subjects(mailbox) == ["One altered"]
    assert [(each["id"], each["subject"]) for each in call(api, account, "get", "/drafts")] == [
        (made["id"], "One altered")
    ]
    assert agrees(account, mailbox)


@pytest.fixture
def same_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Letters are dated by seconds: all that is written in one is the same octets if it says the same."""
    moment = timezone.now()
    monkeypatch.setattr("api.letters.timezone.now", lambda: moment)


@pytest.mark.usefixtures("same_second")
@pytest.mark.parametrize("synced", ["never", "first", "often"])
def test_a_draft_that_is_again_as_it_was_is_kept(api: Client, account: Account, mailbox: Mailbox, synced: str) -> None:
    made = call(api, account, "post", "/drafts", subject="One")
    if synced != "never":
        sync(account)
    call(api, account, "put", f"/drafts/{made['id']}", subject="Two")
    if synced == "often":
        sync(account)
    again = call(api, account, "put", f"/drafts/{made['id']}", subject="One")
    assert (again["id"], again["subject"]) == (made["id"], "One")
    assert [each["subject"] for each in call(api, account, "get", "/drafts")] == ["One"]
    sync(account)
    sync(account)
    assert subjects(mailbox) == ["One"]
    assert agrees(account, mailbox)


@pytest.mark.usefixtures("same_second")
def test_a_draft_that_is_saved_twice_as_it_is_gets_to_the_server_once(
    api: Client, account: Account, mailbox: Mailbox
) -> None:
    made = call(api, account, "post", "/drafts", subject="One")
    changed = call(api, account, "put", f"/drafts/{made['id']}", subject="One", starred=True)
    assert changed["starred"]
    sync(account)
    sync(account)
    assert subjects(mailbox) == ["One"]
    assert agrees(account, mailbox)
    assert call(api, account, "get", f"/drafts/{made['id']}")["starred"]


def test_an_older_version_is_not_taken_for_one_whose_first_try_failed(
    api: Client, account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = call(api, account, "post", "/drafts", subject="One")
    sync(account)
    call(api, account, "put", f"/drafts/{made['id']}", subject="Two")
    with monkeypatch.context() as patched:
        patched.setattr(Editor, "append", dying)
        with pytest.raises(KeyboardInterrupt):
            sync(account)
    for _ in range(3):
        make_due()
        sync(account)
    assert subjects(mailbox) == ["Two"]
    assert agrees(account, mailbox)


def test_a_refused_draft_that_is_deleted_leaves_nothing(
    api: Client, account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = call(api, account, "post", "/drafts", subject="One")
    with monkeypatch.context() as patched:
        patched.setattr(Editor, "append", refusing)
        sync(account)
    assert audit.run(account) == []
    call(api, account, "delete", f"/drafts/{made['id']}")
    for _ in range(2):
        make_due()
        sync(account)
    assert not Message.objects.filter(subject="One").exists()


def test_a_draft_that_is_deleted_while_it_is_on_its_way_and_refused_then_leaves_nothing(
    api: Client, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = call(api, account, "post", "/drafts", subject="One")
    with monkeypatch.context() as patched:
        patched.setattr(Editor, "append", dying)
        with pytest.raises(KeyboardInterrupt):
            sync(account)
        call(api, account, "delete", f"/drafts/{made['id']}")
        patched.setattr(Editor, "append", refusing)
        for _ in range(3):
            make_due()
            sync(account)
    assert not Action.objects.filter(state=ActionState.PENDING).exists()
    assert not Message.objects.filter(subject="One").exists()
    assert not Thread.objects.filter(account=account, subject="One").exists()


def test_a_draft_that_is_deleted_while_it_cannot_be_put_there_is_not_put_there_afterwards(
    api: Client, account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = call(api, account, "post", "/drafts", subject="One")
    with monkeypatch.context() as patched:
        patched.setattr(Editor, "append", dying)
        with pytest.raises(KeyboardInterrupt):
            sync(account)
        call(api, account, "delete", f"/drafts/{made['id']}")
        patched.setattr(Editor, "append", unable)
        make_due()
        sync(account)
    for _ in range(2):
        make_due()
        sync(account)
    assert not Action.objects.filter(state=ActionState.PENDING).exists()
    assert subjects(mailbox) == []
    assert call(api, account, "get", "/drafts") == []
    assert agrees(account, mailbox)


def test_a_draft_that_the_server_refuses_stays_here_and_can_be_tried_again(
    api: Client, account: Account, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = call(api, account, "post", "/drafts", subject="One")
    with monkeypatch.context() as patched:
        patched.setattr(Editor, "append", refusing)
        sync(account)
        sync(account)
    assert call(api, account, "get", f"/drafts/{made['id']}")["subject"] == "One"
    (action,) = call(api, account, "get", "/actions")
    assert (action["status"], action["error"]) == ("failed", "You may not.")
    call(api, account, "post", f"/actions/{action['id']}")
    sync(account)
    assert subjects(mailbox) == ["One"]
    assert agrees(account, mailbox)
    call(api, account, "delete", f"/drafts/{made['id']}")
    sync(account)
    assert subjects(mailbox) == []
