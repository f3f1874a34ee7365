"""Which messages a query leaves."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from accounts.models import Account
from mail import search
from tests.integration.api_client import *  # noqa: F403 -- fixtures
from tests.integration.api_client import subjects
from tests.integration.factories import START, log_changes, make_folder, make_message, make_thread, place

pytestmark = pytest.mark.django_db


def test_a_folder_lists_a_message_once_though_it_has_two_uids_there(api: Client, account: Account) -> None:
    inbox, other = make_folder(account), make_folder(account, "Other")
    row = make_message(account, inbox, subject="twice")
    place(row, inbox)
    make_message(account, other, subject="elsewhere")
    assert subjects(api, account, f"/messages?in={inbox.pk}") == ["twice"]
    assert subjects(api, account, f"/messages?in={inbox.pk},{other.pk}") == ["elsewhere", "twice"]
    assert subjects(api, account, f"/messages?in={inbox.pk}&subject=else") == []


def test_a_folder_filter_combines_with_the_others(api: Client, account: Account) -> None:
    inbox, other = make_folder(account), make_folder(account, "Other")
    make_message(account, inbox, subject="plain", at=START)
    make_message(account, inbox, subject="unread", at=START + timedelta(hours=1), unread=True)
    make_message(account, inbox, other, subject="starred", at=START + timedelta(hours=2), starred=True)
    make_message(account, other, subject="elsewhere", unread=True, starred=True)
    middle = int(START.timestamp()) + 3600
    for query, found in (
        ("unread=true", ["unread"]),
        ("unread=false", ["starred", "plain"]),
        ("starred=true", ["starred"]),
        (f"received_before={middle}", ["plain"]),
        (f"received_after={middle}", ["starred"]),
        ("subject=la&from=alice@example.test", ["plain"]),
    ):
        assert subjects(api, account, f"/messages?in={inbox.pk}&{query}") == found, query


def addresses(*names: str) -> list[dict[str, str]]:
    return [{"name": "", "email": f"{name}@Example.test"} for name in names]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("from=X@example.TEST", ["from x"]),
        ("to=x@example.test", ["to x"]),
        ("cc=x@example.test", ["cc x"]),
        ("bcc=x@example.test", ["bcc x"]),
        ("any_email=x@example.test", ["bcc x", "cc x", "to x", "from x"]),
        ("any_email=x@example.test&cc=x@example.test", ["cc x"]),
        ("from=x@example.test,y@example.test&to=w@example.test", ["to x"]),
        ("from=x@example.test&from=nobody@example.test", ["from x"]),
        ("any_email=nobody@example.test", []),
        ("any_email=x@example", []),
    ],
)
def test_address_filters_look_where_they_say(api: Client, account: Account, query: str, found: list[str]) -> None:
    for name in ("from", "to", "cc", "bcc"):
        people: dict[str, Any] = {"from_addresses": addresses("y"), "to_addresses": addresses("z")}
        make_message(account, subject=f"{name} x", **{**people, f"{name}_addresses": addresses("w", "x")})
    make_message(account, subject="of nobody", from_addresses=[], to_addresses=[])
    assert subjects(api, account, f"/messages?{query}") == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("subject=Inv", ["Invoice 50%"]),
        ("subject=inv", []),
        ("subject=50%25", ["Invoice 50%"]),
        ("subject=5_%25", []),
        ("unread=True", ["hello"]),
        ("unread=false", ["Invoice 50%"]),
        ("starred=true", ["Invoice 50%"]),
        ("has_attachment=true", ["hello"]),
        ("has_attachment=False&unread=true", []),
        (f"received_after={int(START.timestamp())}", ["hello"]),
        (f"received_before={int(START.timestamp()) + 1}", ["Invoice 50%"]),
        (f"received_before={int(START.timestamp())}", []),
        ("query_imap=true", ["hello", "Invoice 50%"]),
        ("unread=true&starred=true", []),
    ],
)
def test_filters_leave_what_fits(api: Client, account: Account, query: str, found: list[str]) -> None:
    make_message(account, subject="Invoice 50%", starred=True, at=START)
    make_message(account, subject="hello", unread=True, has_attachments=True, at=START + timedelta(hours=1))
    assert subjects(api, account, f"/messages?{query}") == found


def test_a_thread_filter_lists_the_threads_messages(api: Client, account: Account) -> None:
    thread = make_thread(account)
    make_message(account, thread=thread, subject="in")
    make_message(account, subject="out")
    assert subjects(api, account, f"/messages?thread_id={thread.pk}") == ["in"]


def test_a_search_finds_words_of_the_body_and_combines_with_filters(api: Client, account: Account) -> None:
    inbox = make_folder(account)
    for subject, body in (("a", "<p>the quick fox</p>"), ("b", "<p>a quick hedgehog</p>"), ("c", "<p>nothing</p>")):
        row = make_message(account, *([inbox] if subject == "b" else []), subject=subject, body=body)
        log_changes(account, ("message", row.pk, "created"))
    search.index_account(account.pk)
    assert subjects(api, account, "/messages?search_query_native=quick") == ["b", "a"]
    assert subjects(api, account, f"/messages?search_query_native=quick&in={inbox.pk}") == ["b"]
    assert subjects(api, account, f"/messages?search_query_native={quote('quick -fox')}&from=alice@example.test") == [
        "b"
    ]
