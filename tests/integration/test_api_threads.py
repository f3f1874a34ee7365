from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from mail import search
from mail.drafting import draft_id
from tests.integration.api_client import *  # noqa: F403 -- fixtures
from tests.integration.api_client import get, subjects
from tests.integration.factories import ALICE, BOB, START, log_changes, make_folder, make_message, make_thread

pytestmark = pytest.mark.django_db
ME = {"name": "", "email": "Me@example.test"}


def test_a_thread_has_what_its_messages_have(api: Client, account: Account) -> None:
    inbox, sent = make_folder(account), make_folder(account, "Sent", role="sent")
    thread = make_thread(account, subject="Lunch")
    first = make_message(account, inbox, thread=thread, at=START, unread=True, has_attachments=True)
    reply = make_message(
        account, sent, thread=thread, at=START + timedelta(hours=1), from_addresses=[ME], to_addresses=[ALICE]
    )
    last = make_message(
        account,
        inbox,
        thread=thread,
        at=START + timedelta(hours=2),
        from_addresses=[BOB],
        to_addresses=[ME],
        draft=True,
    )
    data = get(api, account, f"/threads/{thread.pk}")["data"]
    assert (data["id"], data["grant_id"], data["object"], data["subject"]) == (
        *(str(thread.pk), str(account.pk)),
        *("thread", "Lunch"),
    )
    assert data["message_ids"] == [str(first.pk), str(reply.pk), str(last.pk)]
    assert data["draft_ids"] == [str(draft_id(last))]
    assert data["folders"] == sorted([str(inbox.pk), str(sent.pk)])
    assert [each["email"] for each in data["participants"]] == [
        "alice@example.test",
        "Bob@Example.test",
        "Me@example.test",
    ]
    assert (data["unread"], data["starred"], data["has_attachments"], data["has_drafts"]) == (True, False, True, True)
    assert data["earliest_message_date"] == int(START.timestamp())
    assert data["latest_message_sent_date"] == int(START.timestamp()) + 3600
    assert data["latest_message_received_date"] == int(START.timestamp()) + 7200
    assert data["latest_draft_or_message"]["id"] == str(draft_id(last))
    assert data["latest_draft_or_message"]["body"] == "<p>Hello</p>"
    assert data["snippet"] == "Hello"
    assert get(api, account, "/threads")["data"] == [data]


def test_threads_are_listed_by_their_latest_message(api: Client, account: Account) -> None:
    old = make_thread(account, subject="old")
    make_message(account, thread=old, at=START)
    make_message(account, subject="between", at=START + timedelta(hours=1))
    make_message(account, thread=old, at=START + timedelta(hours=2))
    assert subjects(api, account, "/threads") == ["old", "between"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("subject=Lun", ["Lunch"]),
        ("subject=lun", []),
        ("any_email=bob@example.test", ["Lunch"]),
        ("from=bob@example.test", ["Lunch"]),
        ("from=carol@example.test", ["Dinner"]),
        ("to=carol@example.test", []),
        ("from=bob@example.test&to=alice@example.test", []),
        ("unread=true", ["Dinner"]),
        ("starred=True", ["Lunch"]),
        ("has_attachment=true", ["Lunch"]),
        ("has_attachment=false", ["Dinner"]),
        (f"latest_message_after={int(START.timestamp()) + 3600}", ["Dinner"]),
        (f"latest_message_before={int(START.timestamp()) + 7200}", ["Lunch"]),
        (f"earliest_message_date={int(START.timestamp())}", ["Dinner", "Lunch"]),
        (f"earliest_message_date={int(START.timestamp()) + 1}", ["Dinner"]),
        (f"received_before={int(START.timestamp()) + 1}", ["Lunch"]),
        ("in={trash}", ["Lunch"]),
        ("in={trash}&from=carol@example.test", []),
        ("in={inbox}", ["Dinner", "Lunch"]),
        ("search_query_native=pizza", ["Dinner"]),
    ],
)
def test_filters_leave_threads_that_fit(api: Client, account: Account, query: str, found: list[str]) -> None:
    inbox, trash = make_folder(account), make_folder(account, "Trash")
    lunch, dinner = make_thread(account, subject="Lunch"), make_thread(account, subject="Dinner")
    make_message(account, inbox, thread=lunch, at=START, starred=True, has_attachments=True)
    make_message(account, trash, thread=lunch, at=START + timedelta(hours=1), from_addresses=[BOB], to_addresses=[ME])
    carol = {"name": "", "email": "carol@example.test"}
    row = make_message(
        account, inbox, thread=dinner, at=START + timedelta(hours=2), from_addresses=[carol], to_addresses=[ME],
        unread=True, body="<p>pizza</p>",
    )  # fmt: skip
    log_changes(account, ("message", row.pk, "created"))
    search.index_account(account.pk)
    assert subjects(api, account, "/threads?" + query.format(inbox=inbox.pk, trash=trash.pk)) == found
    for thread in (lunch, dinner):
        assert subjects(api, account, f"/threads?thread_id={thread.pk}") == [thread.subject]


def test_pages_hold_every_thread_once(api: Client, account: Account) -> None:
    for number in range(5):
        make_message(account, subject=str(number), at=START)
    first = get(api, account, "/threads?limit=2")
    second = get(api, account, f"/threads?limit=2&page_token={first['next_cursor']}")
    third = get(api, account, f"/threads?limit=2&page_token={second['next_cursor']}")
    assert "next_cursor" not in third
    assert sorted(each["subject"] for page in (first, second, third) for each in page["data"]) == [*"01234"]


def test_select_keeps_what_the_sdks_need(api: Client, account: Account) -> None:
    make_message(account)
    data = get(api, account, "/threads?select=subject")["data"][0]
    needed = {"id", "grant_id", "has_drafts", "starred", "unread", "message_ids", "folders", "latest_draft_or_message"}
    assert set(data) == {"subject", *needed}


def test_a_list_takes_as_many_queries_for_many_as_for_few(api: Client, account: Account) -> None:
    make_message(account)
    get(api, account, "/threads")  # notes that the key is used
    with CaptureQueriesContext(connection) as few:
        get(api, account, "/threads")
    for _ in range(10):
        thread = make_thread(account)
        make_message(account, thread=thread)
        make_message(account, thread=thread)
    with CaptureQueriesContext(connection) as many:
        assert len(get(api, account, "/threads")["data"]) == 11
    assert len(many) == len(few) <= 7
