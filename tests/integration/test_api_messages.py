from datetime import timedelta
from urllib.parse import quote

import pytest
from django.test import Client

from accounts.models import Account
from tests.integration.factories import ALICE, START, make_account, make_folder, make_key, make_message, place

pytestmark = pytest.mark.django_db


@pytest.fixture
def account() -> Account:
    return make_account(email="me@example.test")


@pytest.fixture
def api(account: Account) -> Client:
    return Client(headers={"authorization": f"Bearer {make_key(account.application)[1]}"})


def listed(api: Client, account: Account, query: str = "") -> list[str]:
    answer = api.get(f"/v3/grants/{account.pk}/messages{query}")
    assert answer.status_code == 200, answer.content
    return [each["subject"] for each in answer.json()["data"]]


def test_messages_are_listed_newest_first(api: Client, account: Account) -> None:
    make_message(account, subject="old", at=START)
    make_message(account, subject="new", at=START + timedelta(days=1))
    assert listed(api, account) == ["new", "old"]


def test_a_message_has_the_fields_of_the_contract(api: Client, account: Account) -> None:
    inbox = make_folder(account)
    row = make_message(account, inbox, body="<b>hi</b>", unread=True, at=START)
    data = api.get(f"/v3/grants/{account.pk}/messages/{row.pk}").json()["data"]
    assert data["from"] == [ALICE]
    assert data["body"] == "<b>hi</b>"
    assert data["folders"] == [str(inbox.pk)]
    assert data["date"] == int(START.timestamp())
    assert (data["id"], data["grant_id"], data["object"]) == (str(row.pk), str(account.pk), "message")
    assert (data["unread"], data["starred"], data["thread_id"]) == (True, False, str(row.thread_id))


def test_a_message_is_found_by_its_message_id_header_whatever_that_holds(api: Client, account: Account) -> None:
    odd = "a/b?c#d%2F..//é\nsend@example.test"
    row = make_message(account, header_id=odd)
    answer = api.get(f"/v3/grants/{account.pk}/messages/{quote(f'<{odd}>', safe='')}")
    assert answer.json()["data"]["id"] == str(row.pk)


def test_a_folder_lists_a_message_once_though_it_has_two_uids_there(api: Client, account: Account) -> None:
    inbox, other = make_folder(account), make_folder(account, "Other")
    row = make_message(account, inbox, subject="twice")
    place(row, inbox)
    make_message(account, other, subject="elsewhere")
    assert listed(api, account, f"?in={inbox.pk}") == ["twice"]
