import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from tests.integration.api_client import *  # noqa: F403 -- fixtures
from tests.integration.api_client import get
from tests.integration.factories import make_folder

pytestmark = pytest.mark.django_db


def names(api: Client, account: Account, query: str) -> list[str]:
    return [each["name"] for each in get(api, account, f"/folders{query}")["data"]]


def test_a_folder_has_the_fields_of_the_contract(api: Client, account: Account) -> None:
    row = make_folder(account, total_count=7, unread_count=2, attributes=[r"\HasNoChildren"])
    data = get(api, account, f"/folders/{row.pk}")["data"]
    assert data == {
        "id": str(row.pk),
        "grant_id": str(account.pk),
        "object": "folder",
        "name": "INBOX",
        "parent_id": None,
        "system_folder": True,
        "child_count": 0,
        "unread_count": 2,
        "total_count": 7,
        "attributes": [r"\HasNoChildren"],
    }
    assert get(api, account, "/folders")["data"] == [data]


def test_the_tree_is_made_of_paths_and_each_folders_own_delimiter(api: Client, account: Account) -> None:
    top, child, deep = (make_folder(account, name) for name in ("A", "A/B & C", "A/B & C/日本語"))
    dotted = make_folder(account, "A.x", delimiter=".")
    flat = make_folder(account, "A/flat", delimiter="")
    found = {each["id"]: each for each in get(api, account, "/folders")["data"]}
    assert found[str(child.pk)]["parent_id"] == found[str(dotted.pk)]["parent_id"] == str(top.pk)
    assert found[str(deep.pk)]["parent_id"] == str(child.pk)
    assert found[str(flat.pk)]["parent_id"] is None
    assert (found[str(top.pk)]["child_count"], found[str(child.pk)]["child_count"]) == (2, 1)


def test_folders_are_listed_below_a_parent_and_by_level(api: Client, account: Account) -> None:
    top, *_ = (make_folder(account, name) for name in ("A", "A/B", "A/B/C", "D"))
    assert names(api, account, "") == ["A", "A/B", "A/B/C", "D"]
    assert names(api, account, "?single_level=true") == ["A", "D"]
    assert names(api, account, f"?parent_id={top.pk}") == ["A/B", "A/B/C"]
    assert names(api, account, f"?parent_id={top.pk}&single_level=true&include_hidden_folders=true") == ["A/B"]
    assert names(api, account, "?parent_id=nothing") == []


def test_pages_hold_every_folder_once(api: Client, account: Account) -> None:
    for number in range(5):
        make_folder(account, f"F{number}")
    first = get(api, account, "/folders?limit=3")
    second = get(api, account, f"/folders?limit=3&page_token={first['next_cursor']}")
    assert "next_cursor" not in second
    assert [each["name"] for each in first["data"] + second["data"]] == ["F0", "F1", "F2", "F3", "F4"]


def test_select_keeps_what_the_sdks_need(api: Client, account: Account) -> None:
    make_folder(account)
    assert set(get(api, account, "/folders?select=total_count")["data"][0]) == {"id", "grant_id", "name", "total_count"}


def test_a_list_takes_as_many_queries_for_many_as_for_few(api: Client, account: Account) -> None:
    get(api, account, "/folders")  # notes that the key is used
    with CaptureQueriesContext(connection) as few:
        get(api, account, "/folders")
    for number in range(20):
        make_folder(account, f"F{number}")
    with CaptureQueriesContext(connection) as many:
        assert len(get(api, account, "/folders")["data"]) == 20
    assert len(many) == len(few) <= 4
