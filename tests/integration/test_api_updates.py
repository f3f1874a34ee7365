"""PUT: what is changed here is seen at once, and noted for the server. G/actions tells how far it got."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from mail.models import Action, ActionState, Message
from tests.integration.api_client import *  # noqa: F403 -- fixtures
from tests.integration.api_client import get, subjects
from tests.integration.factories import make_account, make_folder, make_message, make_thread

pytestmark = pytest.mark.django_db


@pytest.fixture
def inbox(account: Account) -> Any:
    return make_folder(account)


def put(api: Client, account: Account, path: str, status: int = 200, **body: Any) -> Any:
    answer = api.put(f"/v3/grants/{account.pk}{path}", body, content_type="application/json")
    assert answer.status_code == status, answer.content
    return answer.json()["data"] if status == 200 else answer.json()["error"]


def test_a_message_is_read_and_starred(api: Client, account: Account, inbox: Any) -> None:
    row = make_message(account, inbox, unread=True)
    data = put(api, account, f"/messages/{row.pk}", unread=False, starred=True)
    assert (data["object"], data["id"], data["unread"], data["starred"]) == ("message", str(row.pk), False, True)
    assert get(api, account, f"/messages/{row.pk}")["data"] == data
    assert subjects(api, account, "/messages?starred=true") == [row.subject]
    (entry,) = get(api, account, "/actions")["data"]
    assert (entry["object_id"], entry["changes"], entry["status"]) == (
        str(row.pk),
        {"unread": False, "starred": True},
        "pending",
    )


def test_what_is_left_out_stays(api: Client, account: Account, inbox: Any) -> None:
    row = make_message(account, inbox, unread=True, starred=True)
    assert put(api, account, f"/messages/{row.pk}", unread=False)["starred"]
    assert get(api, account, "/actions")["data"][0]["changes"] == {"unread": False}


def test_nothing_to_change_is_no_action(api: Client, account: Account, inbox: Any) -> None:
    row = make_message(account, inbox)
    put(api, account, f"/messages/{row.pk}")
    assert not Action.objects.exists()


def test_a_request_without_a_body_changes_nothing(api: Client, account: Account, inbox: Any) -> None:
    row = make_message(account, inbox, unread=True, starred=True)
    for path in (f"/messages/{row.pk}", f"/threads/{row.thread_id}"):
        for kind in ("application/json", "application/x-www-form-urlencoded"):
            assert api.put(f"/v3/grants/{account.pk}{path}", CONTENT_TYPE=kind).status_code == 200
    row.refresh_from_db()
    assert (row.unread, row.starred) == (True, True)
    assert not Action.objects.exists()


def test_a_message_is_found_by_its_message_id(api: Client, account: Account, inbox: Any) -> None:
    row = make_message(account, inbox, unread=True, header_id="a/b@c")
    assert put(api, account, "/messages/<a/b@c>", unread=False)["id"] == str(row.pk)


def test_a_thread_changes_with_all_its_messages(api: Client, account: Account, inbox: Any) -> None:
    thread = make_thread(account)
    rows = [make_message(account, inbox, thread=thread, unread=True) for _ in range(3)]
    other = make_message(account, inbox, unread=True)
    data = put(api, account, f"/threads/{thread.pk}", unread=False, starred=True)
    assert (data["object"], data["unread"], data["starred"]) == ("thread", False, True)
    assert not data["latest_draft_or_message"]["unread"]
    assert set(Action.objects.values_list("message", flat=True)) == {row.pk for row in rows}
    other.refresh_from_db()
    assert other.unread


def test_the_cost_does_not_grow_with_the_thread(api: Client, account: Account, inbox: Any) -> None:
    def cost(messages: int) -> int:
        thread = make_thread(account)
        for _ in range(messages):
            make_message(account, inbox, thread=thread, unread=True)
        with CaptureQueriesContext(connection) as queries:
            put(api, account, f"/threads/{thread.pk}", unread=False)
        return len(queries)

    cost(1)  # the first request of a key notes when it was used
    assert cost(2) == cost(30)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"unred": True}, 400, "Unknown field 'unred'. Allowed here: folders, metadata, starred, unread."),
        ({"unread": "perhaps"}, 400, "unread: Must be a valid boolean."),
        ({"starred": None}, 400, "starred: This field may not be null."),
        ({"folders": []}, 400, "folders: This list may not be empty."),
        ({"folders": ["INBOX"]}, 400, "folders: 'INBOX' is not a folder of this grant that can hold messages."),
        ({"unread": True, "metadata": {"key": 1}}, 400, "metadata.key: Not a valid string."),
    ],
)
def test_a_wrong_change_is_named_and_nothing_is_changed(
    api: Client, account: Account, inbox: Any, body: dict[str, Any], status: int, words: str
) -> None:
    row = make_message(account, inbox)
    assert put(api, account, f"/messages/{row.pk}", status, **body)["message"] == words
    assert not Action.objects.exists()


def test_nobody_changes_another_grants_mail(api: Client, account: Account) -> None:
    theirs = make_account()
    row = make_message(theirs, make_folder(theirs), unread=True)
    assert put(api, account, f"/messages/{row.pk}", 404, unread=False)["type"] == "not_found_error"
    assert put(api, theirs, f"/messages/{row.pk}", 404, unread=False)["type"] == "not_found_error"
    assert put(api, account, f"/threads/{row.thread_id}", 404, unread=False)["type"] == "not_found_error"
    assert Message.objects.get(pk=row.pk).unread


def test_actions_are_paged_filtered_and_found(api: Client, account: Account, inbox: Any) -> None:
    for _ in range(3):
        put(api, account, f"/messages/{make_message(account, inbox, unread=True).pk}", unread=False)
    newest = Action.objects.order_by("-number").first()
    assert newest
    Action.objects.filter(pk=newest.pk).update(state=ActionState.DONE, ended_at=timezone.now())
    first = get(api, account, "/actions?limit=2")
    rest = get(api, account, f"/actions?limit=2&page_token={first['next_cursor']}")
    assert [entry["id"] for entry in (*first["data"], *rest["data"])] == [
        str(each) for each in Action.objects.order_by("-number").values_list("id", flat=True)
    ]
    assert [entry["status"] for entry in get(api, account, "/actions?status=done")["data"]] == ["done"]
    found = get(api, account, f"/actions/{newest.id}")["data"]
    assert (found["status"], found["next_try_at"]) == ("done", None)
    assert found["ended_at"]
    assert api.get(f"/v3/grants/{account.pk}/actions/{account.pk}").status_code == 404
    assert api.get(f"/v3/grants/{account.pk}/actions/x").status_code == 404


def test_a_failed_action_is_tried_again(api: Client, account: Account, inbox: Any) -> None:
    row = make_message(account, inbox, unread=True)
    put(api, account, f"/messages/{row.pk}", unread=False)
    action = Action.objects.get()
    path = f"/v3/grants/{account.pk}/actions/{action.id}"
    Action.objects.update(state=ActionState.FAILED, error="No.", tries=5, ended_at=timezone.now())
    Message.objects.filter(pk=row.pk).update(unread=True)
    Account.objects.update(next_sync_at=timezone.now() + timedelta(hours=1))
    found = api.post(path).json()["data"]
    assert (found["status"], found["tries"], found["error"], found["ended_at"]) == ("pending", 0, None, None)
    row.refresh_from_db()
    account.refresh_from_db()
    assert not row.unread
    assert account.next_sync_at
    assert account.next_sync_at <= timezone.now()
    assert api.post(path).json()["data"]["status"] == "pending", "what waits already goes on waiting"
    assert api.post(f"/v3/grants/{account.pk}/actions/{account.pk}").status_code == 404


def test_an_action_that_failed_tells_why(api: Client, account: Account, inbox: Any) -> None:
    put(api, account, f"/messages/{make_message(account, inbox).pk}", starred=True)
    Action.objects.update(state=ActionState.FAILED, error="The server refuses the change in INBOX: read-only")
    assert get(api, account, "/actions?status=failed")["data"][0]["error"].endswith("read-only")
