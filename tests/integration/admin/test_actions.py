"""Changes that were made here, as operators see them."""

from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Account
from mail import actions, filing
from mail.models import Action, ActionState, Folder
from tests.integration.admin.pages import ACTIONS, page, page_of
from tests.integration.factories import make_account, make_folder, make_message

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    """With a message of which a change was refused, and another whose change is on its way."""
    account = make_account(email="ann@example.test")
    inbox = make_folder(account)
    for subject in ("Refused", "Waiting"):
        row = make_message(account, inbox, subject=subject, unread=True)
        actions.change(account.pk, [row.pk], unread=False, starred=True)
    Action.objects.filter(message__subject="Refused").update(
        state=ActionState.FAILED, error="The server refuses the change in INBOX: read-only", ended_at=timezone.now()
    )
    return account


def try_again(client: Client, account: Account) -> str:
    chosen = [str(row.pk) for row in Action.objects.filter(account=account)]
    data = {"action": "try_again", "_selected_action": chosen, "index": "0"}
    response = client.post(f"{ACTIONS}?account={account.pk}", data, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_changes_are_listed_with_their_state_and_reason(operator: Client, account: Account) -> None:
    html = page(operator, ACTIONS, account="ann@example.test")
    for words in ("Mark as read, starred", "On its way", "Refused", "read-only", "Waiting"):
        assert words in html
    assert "one mailbox at a time" in page(operator, ACTIONS)
    assert f"{ACTIONS}?account={account.pk}" in page(operator, page_of(account))


def test_a_change_has_a_page_and_is_found_by_its_id(operator: Client, account: Account) -> None:
    row = Action.objects.get(state=ActionState.FAILED)
    html = page(operator, reverse("admin:mail_action_change", args=[row.pk]))
    assert "The server refuses the change in INBOX: read-only" in html
    assert reverse("admin:mail_message_change", args=[row.message_id]) in html
    assert "read-only" in page(operator, ACTIONS, q=str(row.id))


def test_a_change_of_a_message_that_is_gone_is_still_listed(operator: Client, account: Account) -> None:
    Action.objects.update(message=make_account().pk)
    assert "(gone)" in page(operator, ACTIONS, account=account.pk)


def test_what_was_refused_is_tried_again(operator: Client, account: Account) -> None:
    assert "1 of 2 are tried again" in try_again(operator, account)
    assert set(Action.objects.values_list("state", flat=True)) == {ActionState.PENDING}
    assert "0 of 2 are tried again" in try_again(operator, account)


def test_who_may_only_look_tries_nothing_again(client: Client, account: Account) -> None:
    viewer = User.objects.create(username="viewer", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(viewer)
    assert "Try again" not in page(client, ACTIONS, account=account.pk)
    try_again(client, account)
    assert Action.objects.filter(state=ActionState.FAILED).exists()


def test_changes_of_folders_are_told_in_words(operator: Client, account: Account) -> None:
    work, old = make_folder(account, "Work"), make_folder(account, "Old")
    made = filing.make_folder(account.pk, "Plans", work.pk)
    filing.change_folder(account.pk, work.pk, "Play")
    filing.change_folder(account.pk, old.pk, parent=made, moves=True)
    filing.delete_folder(account.pk, make_folder(account, "Gone").pk)
    html = page(operator, ACTIONS, account=account.pk)
    for words in ("Make folder Plans below Play", "Rename folder to Play", "move to Play/Plans", "Delete folder"):
        assert words in html
    assert reverse("admin:mail_folder_change", args=[work.pk]) in html
    Folder.objects.filter(pk=old.pk).delete()
    assert "(gone)" in page(operator, ACTIONS, account=account.pk)


def test_the_list_costs_the_same_however_long_it_is(operator: Client, account: Account) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            page(operator, ACTIONS, account=account.pk)
        return len(queries)

    def change(count: int) -> None:
        for number in range(count):
            target = make_folder(account, f"F{uuid4()}")
            actions.change(account.pk, [make_message(account, target).pk], starred=True, folders=[target.pk])
            made = filing.make_folder(account.pk, f"New {uuid4()}", target.pk)
            filing.change_folder(account.pk, made, f"Newer {number}")
            filing.delete_folder(account.pk, make_folder(account, f"Old {uuid4()}").pk)

    change(1)
    before = cost()
    change(5)
    Action.objects.filter(message__subject="Waiting").update(message=make_account().pk)
    assert cost() == before
