"""Pages of messages: every one once, in few queries."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from api import pagination
from tests.integration.api_client import *  # noqa: F403 -- fixtures
from tests.integration.api_client import get, subjects
from tests.integration.factories import START, make_account, make_folder, make_message

pytestmark = pytest.mark.django_db


def walk(api: Client, account: Account, query: str) -> list[list[str]]:
    pages, token = [], ""
    while True:
        page = get(api, account, f"/messages?{query}{token}")
        pages.append([each["subject"] for each in page["data"]])
        if "next_cursor" not in page:
            return pages
        token = f"&page_token={page['next_cursor']}"


def test_pages_hold_every_message_once_also_those_of_one_second(api: Client, account: Account) -> None:
    inbox = make_folder(account)
    for number in range(7):
        make_message(account, inbox, subject=str(number), at=START)
    for query in ("limit=3", f"limit=3&in={inbox.pk}"):
        pages = walk(api, account, query)
        assert [len(page) for page in pages] == [3, 3, 1]
        assert sorted(subject for page in pages for subject in page) == [*"0123456"]


def test_the_last_page_has_no_next_cursor_even_when_it_is_full(api: Client, account: Account) -> None:
    for _ in range(4):
        make_message(account)
    assert [len(page) for page in walk(api, account, "limit=2")] == [2, 2]


def test_what_arrives_and_goes_between_two_pages_moves_nothing(api: Client, account: Account) -> None:
    rows = [make_message(account, subject=str(number), at=START + timedelta(hours=number)) for number in range(5)]
    first = get(api, account, "/messages?limit=2")
    make_message(account, subject="new", at=START + timedelta(days=9))
    rows[3].delete()
    assert [each["subject"] for each in first["data"]] == ["4", "3"]
    assert subjects(api, account, f"/messages?limit=2&page_token={first['next_cursor']}") == ["2", "1"]


def test_a_token_of_another_query_or_grant_is_refused(api: Client, account: Account) -> None:
    other = make_account(account.application)
    for _ in range(3):
        make_message(account)
    token = get(api, account, "/messages?limit=1")["next_cursor"]
    assert len(get(api, account, f"/messages?limit=2&select=id&page_token={token}")["data"]) == 2
    for path in (f"{account.pk}/messages?unread=true&", f"{other.pk}/messages?", f"{account.pk}/threads?"):
        answer = api.get(f"/v3/grants/{path}page_token={token}")
        assert (answer.status_code, "page_token" in answer.json()["error"]["message"]) == (400, True)


def test_a_limit_above_the_most_is_the_most(api: Client, account: Account) -> None:
    assert get(api, account, "/messages?limit=500")["data"] == []
    pages = pagination.Pages.of("", {"limit": pagination.LIMIT.read(["500"])})
    assert pages.limit == 200


def test_a_page_holds_no_more_mail_than_an_answer_may(api: Client, account: Account) -> None:
    for number in range(5):
        make_message(account, subject=str(number), size=30 * 1024 * 1024, at=START + timedelta(hours=number))
    assert [len(page) for page in walk(api, account, "limit=4")] == [2, 2, 1]
    assert [len(page) for page in walk(api, account, "limit=4&select=subject")] == [4, 1]


@pytest.mark.parametrize(
    "query", ["", "fields=include_headers", "any_email=alice@example.test", "in={inbox}", "fields=raw_mime"]
)
def test_a_list_takes_as_many_queries_for_many_as_for_few(api: Client, account: Account, query: str) -> None:
    inbox = make_folder(account)
    query = query.format(inbox=inbox.pk)
    make_message(account, inbox)
    get(api, account, "/messages")  # notes that the key is used
    with CaptureQueriesContext(connection) as few:
        get(api, account, f"/messages?{query}")
    for _ in range(20):
        make_message(account, inbox)
    with CaptureQueriesContext(connection) as many:
        assert len(get(api, account, f"/messages?{query}")["data"]) == 21
    assert len(many) == len(few) <= 7
