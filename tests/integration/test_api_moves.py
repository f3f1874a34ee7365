"""PUT of folders and DELETE: what moves is in its new folder at once, in every list; what is deleted is in none."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from mail.models import Action, Folder, Message
from tests.integration.api_client import *  # noqa: F403 -- fixtures
from tests.integration.api_client import get, subjects
from tests.integration.factories import make_account, make_folder, make_message, make_thread

pytestmark = pytest.mark.django_db


@pytest.fixture
def folders(account: Account) -> dict[str, Folder]:
    return {
        name: make_folder(account, name, role=role)
        for name, role in (("INBOX", "inbox"), ("Kept", ""), ("Trash", "trash"))
    }


def call(api: Client, account: Account, path: str, status: int = 200, method: str = "put", **body: Any) -> Any:
    answer = getattr(api, method)(f"/v3/grants/{account.pk}{path}", body, content_type="application/json")
    assert answer.status_code == status, answer.content
    return answer.json()


def test_a_message_is_in_its_new_folder_at_once(api: Client, account: Account, folders: dict[str, Folder]) -> None:
    inbox, kept = folders["INBOX"], folders["Kept"]
    rows = [make_message(account, inbox) for _ in range(3)]
    other = make_message(account, kept)
    data = call(api, account, f"/messages/{rows[1].pk}", folders=[str(kept.pk)])["data"]
    assert data["folders"] == [str(kept.pk)]
    assert get(api, account, f"/messages/{rows[1].pk}")["data"] == data
    assert subjects(api, account, f"/messages?in={inbox.pk}") == [rows[2].subject, rows[0].subject]
    assert subjects(api, account, f"/messages?in={kept.pk}") == [other.subject, rows[1].subject]
    assert subjects(api, account, f"/messages?in={kept.pk},{inbox.pk}") == [
        row.subject for row in (other, rows[2], rows[1], rows[0])
    ]
    assert subjects(api, account, f"/messages?in={kept.pk}&unread=false") == [other.subject, rows[1].subject]
    assert subjects(api, account, f"/threads?in={kept.pk}") == [other.subject, rows[1].subject]
    assert subjects(api, account, f"/threads?in={inbox.pk}") == [rows[2].subject, rows[0].subject]
    (entry,) = get(api, account, "/actions")["data"]
    assert (entry["kind"], entry["changes"]) == ("folders", {"folders": [str(kept.pk)]})


def test_a_folder_is_paged_through_while_mail_moves_into_it(
    api: Client, account: Account, folders: dict[str, Folder]
) -> None:
    rows = [make_message(account, folders["INBOX" if number % 2 else "Kept"]) for number in range(10)]
    for row in rows[1::2]:
        call(api, account, f"/messages/{row.pk}", folders=[str(folders["Kept"].pk)])
    seen, token = [], ""
    while True:
        page = get(api, account, f"/messages?in={folders['Kept'].pk}&limit=3{token}")
        seen += [one["subject"] for one in page["data"]]
        if "next_cursor" not in page:
            break
        token = f"&page_token={page['next_cursor']}"
    assert seen == [row.subject for row in reversed(rows)]
    assert subjects(api, account, f"/messages?in={folders['INBOX'].pk}") == []


def test_a_thread_moves_with_all_its_messages(api: Client, account: Account, folders: dict[str, Folder]) -> None:
    thread = make_thread(account)
    for _ in range(3):
        make_message(account, folders["INBOX"], thread=thread)
    data = call(api, account, f"/threads/{thread.pk}", folders=[str(folders["Kept"].pk)])["data"]
    assert data["folders"] == [str(folders["Kept"].pk)]
    assert Action.objects.count() == 3


@pytest.mark.parametrize("path", ["messages", "threads"])
def test_what_is_deleted_goes_to_the_trash_once(
    api: Client, account: Account, folders: dict[str, Folder], path: str
) -> None:
    row = make_message(account, folders["INBOX"])
    item = f"/{path}/{row.pk if path == 'messages' else row.thread_id}"
    for _ in range(2):
        assert set(call(api, account, item, method="delete")) == {"request_id"}
    assert get(api, account, item)["data"]["folders"] == [str(folders["Trash"].pk)]
    assert Action.objects.count() == 1


@pytest.mark.parametrize("path", ["messages", "threads"])
def test_what_is_deleted_for_good_is_gone_at_once(
    api: Client, account: Account, folders: dict[str, Folder], path: str
) -> None:
    part = [
        {
            "part": 1,
            "filename": "a",
            "content_type": "text/plain",
            "size": 1,
            "content_id": "",
            "disposition": "",
            "is_inline": False,
        }
    ]
    row = make_message(account, folders["INBOX"], attachments=part)
    item = f"/{path}/{row.pk if path == 'messages' else row.thread_id}"
    assert get(api, account, f"/attachments/{row.pk.hex}p1")["data"]["size"] == 1
    call(api, account, f"{item}?hard_delete=true", method="delete")
    for gone in (
        item,
        f"/messages/{row.pk}",
        f"/messages/{row.header_id}",
        f"/threads/{row.thread_id}",
        f"/attachments/{row.pk.hex}p1",
    ):
        assert api.get(f"/v3/grants/{account.pk}{gone}").status_code == 404
    for listing in (
        "/messages",
        f"/messages?in={folders['INBOX'].pk}",
        "/messages?unread=false",
        "/threads",
        f"/threads?in={folders['INBOX'].pk}",
    ):
        assert subjects(api, account, listing) == []
    call(api, account, f"{item}?hard_delete=true", method="delete", status=404)


def test_of_a_thread_the_messages_that_are_left_remain(
    api: Client, account: Account, folders: dict[str, Folder]
) -> None:
    thread = make_thread(account)
    first, second = (make_message(account, folders["INBOX"], thread=thread, unread=bool(n)) for n in range(2))
    call(api, account, f"/messages/{second.pk}?hard_delete=true", method="delete")
    data = get(api, account, f"/threads/{thread.pk}")["data"]
    assert (data["message_ids"], data["unread"]) == ([str(first.pk)], False)


def test_a_mailbox_without_a_trash_gets_one(api: Client, account: Account) -> None:
    rows = [make_message(account, make_folder(account, name)) for name in ("INBOX", "Kept")]
    for row in rows:
        call(api, account, f"/messages/{row.pk}", method="delete")
    trash = Folder.objects.get(account=account, role="trash")
    assert subjects(api, account, f"/messages?in={trash.pk}") == [row.subject for row in reversed(rows)]
    assert get(api, account, f"/folders/{trash.pk}")["data"]["name"] == "Trash"
    assert sorted(Action.objects.values_list("kind", flat=True)) == ["folders", "folders", "make_folder"]


def test_a_mailbox_that_can_have_no_trash_says_so(api: Client, account: Account) -> None:
    row = make_message(account, make_folder(account, "INBOX"))
    make_folder(account, "Trash", selectable=False)
    error = call(api, account, f"/messages/{row.pk}", method="delete", status=400)["error"]
    assert "no trash" in error["message"]
    assert not Action.objects.exists()


def test_other_grants_folders_are_not_known(api: Client, account: Account, folders: dict[str, Folder]) -> None:
    row = make_message(account, folders["INBOX"])
    strange = make_folder(make_account(account.application, "other@example.test"), "Theirs")
    for wrong in (str(strange.pk), "INBOX", ""):
        error = call(api, account, f"/messages/{row.pk}", status=400, folders=[str(folders["Kept"].pk), wrong])["error"]
        assert "folders" in error["message"]
    assert Message.objects.get(pk=row.pk).folder_ids == [folders["INBOX"].pk]
