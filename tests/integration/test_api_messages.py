"""Messages as the contract lists and names them."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from django.test import Client

from accounts.models import Account
from tests.integration.api_client import *  # noqa: F403 -- fixtures
from tests.integration.api_client import get, subjects
from tests.integration.factories import ALICE, START, make_folder, make_message

pytestmark = pytest.mark.django_db


def test_messages_are_listed_newest_first(api: Client, account: Account) -> None:
    make_message(account, subject="old", at=START)
    make_message(account, subject="new", at=START + timedelta(days=1))
    assert subjects(api, account, "/messages") == ["new", "old"]


def test_a_message_has_the_fields_of_the_contract(api: Client, account: Account) -> None:
    inbox = make_folder(account)
    row = make_message(account, inbox, body="<b>hi</b>", unread=True, at=START)
    data = get(api, account, f"/messages/{row.pk}")["data"]
    assert data["from"] == [ALICE]
    assert data["body"] == "<b>hi</b>"
    assert data["folders"] == [str(inbox.pk)]
    assert data["date"] == int(START.timestamp())
    assert (data["id"], data["grant_id"], data["object"]) == (str(row.pk), str(account.pk), "message")
    assert (data["unread"], data["starred"], data["thread_id"]) == (True, False, str(row.thread_id))
    assert get(api, account, "/messages")["data"] == [data]


def test_what_could_not_be_read_of_a_message_is_told(api: Client, account: Account) -> None:
    row = make_message(account, problem="the encoding of the body is damaged")
    assert get(api, account, f"/messages/{row.pk}")["data"]["problem"] == "the encoding of the body is damaged"


def test_a_grant_is_named_by_its_address_too(api: Client, account: Account) -> None:
    row = make_message(account)
    for name in ("me@example.test", "Me@Example.test"):
        assert api.get(f"/v3/grants/{name}/messages/{row.pk}").status_code == 200


def test_a_message_is_found_by_its_message_id_header_whatever_that_holds(api: Client, account: Account) -> None:
    odd = "a/b?c#d%2F..//é\nsend@example.test"
    row = make_message(account, header_id=odd)
    assert get(api, account, f"/messages/{quote(f'<{odd}>', safe='')}")["data"]["id"] == str(row.pk)
    assert get(api, account, f"/messages/{quote(odd, safe='')}")["data"]["id"] == str(row.pk)
