import base64
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from api import pagination
from mail import search
from tests.integration.factories import (
    ALICE,
    START,
    log_changes,
    make_account,
    make_folder,
    make_key,
    make_message,
    make_thread,
    place,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return make_account(email="me@example.test")


@pytest.fixture
def api(account: Account) -> Client:
    return Client(headers={"authorization": f"Bearer {make_key(account.application)[1]}"})


def get(api: Client, account: Account, path: str) -> Any:
    answer = api.get(f"/v3/grants/{account.pk}/messages{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def subjects(api: Client, account: Account, query: str = "") -> list[str]:
    return [each["subject"] for each in get(api, account, query)["data"]]


def test_messages_are_listed_newest_first(api: Client, account: Account) -> None:
    make_message(account, subject="old", at=START)
    make_message(account, subject="new", at=START + timedelta(days=1))
    assert subjects(api, account) == ["new", "old"]


def test_a_message_has_the_fields_of_the_contract(api: Client, account: Account) -> None:
    inbox = make_folder(account)
    row = make_message(account, inbox, body="<b>hi</b>", unread=True, at=START)
    data = get(api, account, f"/{row.pk}")["data"]
    assert data["from"] == [ALICE]
    assert data["body"] == "<b>hi</b>"
    assert data["folders"] == [str(inbox.pk)]
    assert data["date"] == int(START.timestamp())
    assert (data["id"], data["grant_id"], data["object"]) == (str(row.pk), str(account.pk), "message")
    assert (data["unread"], data["starred"], data["thread_id"]) == (True, False, str(row.thread_id))
    assert get(api, account, "")["data"] == [data]


def test_what_could_not_be_read_of_a_message_is_told(api: Client, account: Account) -> None:
    row = make_message(account, problem="the encoding of the body is damaged")
    assert get(api, account, f"/{row.pk}")["data"]["problem"] == "the encoding of the body is damaged"


def test_a_grant_is_named_by_its_address_too(api: Client, account: Account) -> None:
    row = make_message(account)
    for name in ("me@example.test", "Me@Example.test"):
        assert api.get(f"/v3/grants/{name}/messages/{row.pk}").status_code == 200


def test_a_message_is_found_by_its_message_id_header_whatever_that_holds(api: Client, account: Account) -> None:
    odd = "a/b?c#d%2F..//é\nsend@example.test"
    row = make_message(account, header_id=odd)
    assert get(api, account, f"/{quote(f'<{odd}>', safe='')}")["data"]["id"] == str(row.pk)
    assert get(api, account, f"/{quote(odd, safe='')}")["data"]["id"] == str(row.pk)


def test_a_folder_lists_a_message_once_though_it_has_two_uids_there(api: Client, account: Account) -> None:
    inbox, other = make_folder(account), make_folder(account, "Other")
    row = make_message(account, inbox, subject="twice")
    place(row, inbox)
    make_message(account, other, subject="elsewhere")
    assert subjects(api, account, f"?in={inbox.pk}") == ["twice"]
    assert subjects(api, account, f"?in={inbox.pk},{other.pk}") == ["elsewhere", "twice"]
    assert subjects(api, account, f"?in={inbox.pk}&subject=else") == []


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
        assert subjects(api, account, f"?in={inbox.pk}&{query}") == found, query


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
    assert subjects(api, account, f"?{query}") == found


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
    assert subjects(api, account, f"?{query}") == found


def test_a_thread_filter_lists_the_threads_messages(api: Client, account: Account) -> None:
    thread = make_thread(account)
    make_message(account, thread=thread, subject="in")
    make_message(account, subject="out")
    assert subjects(api, account, f"?thread_id={thread.pk}") == ["in"]


def test_a_search_finds_words_of_the_body_and_combines_with_filters(api: Client, account: Account) -> None:
    inbox = make_folder(account)
    for subject, body in (("a", "<p>the quick fox</p>"), ("b", "<p>a quick hedgehog</p>"), ("c", "<p>nothing</p>")):
        row = make_message(account, *([inbox] if subject == "b" else []), subject=subject, body=body)
        log_changes(account, ("message", row.pk, "created"))
    search.index_account(account.pk)
    assert subjects(api, account, "?search_query_native=quick") == ["b", "a"]
    assert subjects(api, account, f"?search_query_native=quick&in={inbox.pk}") == ["b"]
    assert subjects(api, account, f"?search_query_native={quote('quick -fox')}&from=alice@example.test") == ["b"]


# --- pages ---------------------------------------------------------------------------------------------------------


def walk(api: Client, account: Account, query: str) -> list[list[str]]:
    pages, token = [], ""
    while True:
        page = get(api, account, f"?{query}{token}")
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
    first = get(api, account, "?limit=2")
    make_message(account, subject="new", at=START + timedelta(days=9))
    rows[3].delete()
    assert [each["subject"] for each in first["data"]] == ["4", "3"]
    assert subjects(api, account, f"?limit=2&page_token={first['next_cursor']}") == ["2", "1"]


def test_a_token_of_another_query_or_grant_is_refused(api: Client, account: Account) -> None:
    other = make_account(account.application)
    for _ in range(3):
        make_message(account)
    token = get(api, account, "?limit=1")["next_cursor"]
    assert len(get(api, account, f"?limit=2&select=id&page_token={token}")["data"]) == 2
    for path in (f"{account.pk}/messages?unread=true&", f"{other.pk}/messages?", f"{account.pk}/threads?"):
        answer = api.get(f"/v3/grants/{path}page_token={token}")
        assert (answer.status_code, "page_token" in answer.json()["error"]["message"]) == (400, True)


def test_a_limit_above_the_most_is_the_most(api: Client, account: Account) -> None:
    assert get(api, account, "?limit=500")["data"] == []
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
    get(api, account, "")  # notes that the key is used
    with CaptureQueriesContext(connection) as few:
        get(api, account, f"?{query}")
    for _ in range(20):
        make_message(account, inbox)
    with CaptureQueriesContext(connection) as many:
        assert len(get(api, account, f"?{query}")["data"]) == 21
    assert len(many) == len(few) <= 7


# --- fields and select -----------------------------------------------------------------------------------------------

MAIL = (
    b"Received: from a by b\r\nMessage-ID: <m@example.test>\r\nIn-Reply-To: <p@example.test>\r\n"
    b"References: <o@example.test>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHi\xff\r\n"
)


def test_the_raw_mail_is_given_byte_for_byte_and_nothing_else(api: Client, account: Account) -> None:
    row = make_message(account, mail=MAIL)
    for data in (
        get(api, account, f"/{row.pk}?fields=raw_mime")["data"],
        get(api, account, "?fields=raw_mime")["data"][0],
    ):
        assert set(data) == {"grant_id", "id", "object", "raw_mime"}
        assert base64.urlsafe_b64decode(data["raw_mime"]) == MAIL


def test_headers_are_given_decoded_and_in_order(api: Client, account: Account) -> None:
    row = make_message(account, mail=MAIL)
    full = get(api, account, f"/{row.pk}?fields=include_headers")["data"]
    assert [each["name"] for each in full["headers"]] == [
        "Received",
        "Message-ID",
        "In-Reply-To",
        "References",
        "Subject",
    ]
    assert full["headers"][-1]["value"] == "Grüße"
    basic = get(api, account, f"/{row.pk}?fields=include_basic_headers")["data"]
    assert [each["name"] for each in basic["headers"]] == ["Message-ID", "In-Reply-To", "References"]
    assert "body" in basic


def test_headers_are_given_only_when_asked_for(api: Client, account: Account) -> None:
    data = get(api, account, f"/{make_message(account).pk}")["data"]
    assert data.keys().isdisjoint({"headers", "raw_mime", "tracking_options"})


def test_tracking_options_say_that_nothing_is_tracked(api: Client, account: Account) -> None:
    row = make_message(account)
    data = get(api, account, f"/{row.pk}?fields=include_tracking_options")["data"]
    assert data["tracking_options"]["opens"] is False


def test_select_picks_fields_and_keeps_those_that_the_sdks_need(api: Client, account: Account) -> None:
    row = make_message(account)
    assert set(get(api, account, f"/{row.pk}?select=id,subject,nothing")["data"]) == {"id", "subject", "grant_id"}
    assert set(get(api, account, "?select=id&select=from")["data"][0]) == {"id", "from", "grant_id"}


def test_bodies_that_are_not_selected_are_not_read(api: Client, account: Account) -> None:
    make_message(account)
    with CaptureQueriesContext(connection) as queries:
        get(api, account, "?select=id,subject")
    assert not any("mail_frame" in query["sql"] for query in queries)
