"""/v3/delta: the logs of all grants of an application, with one cursor."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from api.feed import packed
from mail import store
from mail.rounds import Place
from tests.integration.api_client import *  # noqa: F403 -- fixtures
from tests.integration.factories import log_changes, make_account, make_key, make_message
from tests.integration.web import Web, serving

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def process(django_db_setup: None, django_db_blocker: Any) -> Iterator[Web]:
    with django_db_blocker.unblock(), serving("", "farm-delta") as web:
        yield web


@pytest.fixture
def web(process: Web, account: Account) -> Web:
    return replace(process, key=make_key(account.application)[1])


def get(api: Client, query: str = "") -> Any:
    answer = api.get(f"/v3/delta{query}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def followed(api: Client, query: str, cursor: str = "", count: int = 1) -> tuple[list[Any], str]:
    """Entries page by page, until there are so many: what others write at the same time may hold them up."""
    found: list[Any] = []
    deadline = time.monotonic() + 20
    while len(found) < count:
        page = get(api, f"?{query}{f'&cursor={cursor}' if cursor else ''}")
        found += page["data"]
        cursor = page["next_cursor"]
        assert time.monotonic() < deadline
    return found, cursor


def test_each_grants_entries_come_in_order_and_once(api: Client, account: Account) -> None:
    other = make_account(account.application)
    stranger = make_account()
    for each in (account, other, stranger, account):
        row = make_message(each)
        log_changes(each, ("message", row.pk, "created"), ("thread", row.thread_id, "created"))
    found, cursor = followed(api, "limit=1", count=6)
    seqs = defaultdict(list)
    for entry in found:
        seqs[entry["grant_id"]].append(entry["seq"])
        assert entry["object"]["grant_id"] == entry["grant_id"]
    assert seqs == {str(account.pk): [1, 2, 3, 4], str(other.pk): [1, 2]}
    assert get(api, f"?cursor={cursor}")["data"] == []
    assert get(api, f"?cursor={found[3]['cursor']}&limit=9")["data"] == [{**each} for each in found[4:]]


def test_a_grant_that_is_removed_is_told_of(api: Client, account: Account) -> None:
    row = make_message(account)
    log_changes(account, ("message", row.pk, "created"))
    assert api.delete(f"/v3/grants/{account.pk}").status_code == 200
    assert store.remove_accounts() == 1
    found, _cursor = followed(api, "limit=5", count=2)
    assert [(each["object_type"], each["kind"], each["object"]) for each in found] == [
        ("message", "created", None),
        ("grant", "deleted", None),
    ]


def test_types_and_ids_are_chosen(api: Client, account: Account) -> None:
    row = make_message(account)
    log_changes(account, ("thread", row.thread_id, "created"), ("message", row.pk, "created"))
    ((entry,), _cursor) = followed(api, "include_types=message&view=ids")
    assert (entry["seq"], entry["object_id"]) == (2, str(row.pk))
    assert "object" not in entry


def test_the_latest_cursor_has_nothing_before_it(api: Client, account: Account) -> None:
    log_changes(account, ("grant", account.pk, "updated"))
    followed(api, "limit=5")
    cursor = api.get("/v3/delta/latest_cursor").json()["data"]["cursor"]
    assert get(api, f"?cursor={cursor}")["data"] == []
    log_changes(account, ("grant", account.pk, "updated"))
    assert [each["seq"] for each in followed(api, "limit=5", cursor)[0]] == [2]


def test_a_token_of_one_grant_does_not_see_all(account: Account) -> None:
    token = make_key(account.application, account)[1]
    api = Client(headers={"authorization": f"Bearer {token}"})
    for path in ("", "/latest_cursor", "/longpoll", "/streaming"):
        assert api.get(f"/v3/delta{path}").status_code == 403


@pytest.mark.parametrize("cursor", ["x", "5", "WzFd", "W10", packed(Place(2**70)), packed(Place(-2)), "_" * 300, "%00"])
def test_a_cursor_that_was_never_given_is_refused(api: Client, account: Account, cursor: str) -> None:
    answer = api.get(f"/v3/delta?cursor={cursor}")
    assert answer.status_code == 400, answer.content
    assert "cursor" in answer.json()["error"]["message"]


def test_who_waits_is_told_of_a_change_of_any_grant(web: Web, api: Client, account: Account) -> None:
    other = make_account(account.application)
    cursor = api.get("/v3/delta/latest_cursor").json()["data"]["cursor"]
    threading.Timer(0.5, log_changes, [other, ("grant", other.pk, "updated")]).start()
    page = json.loads(web.ask(f"/v3/delta/longpoll?timeout=20&cursor={cursor}").read())
    assert [(each["grant_id"], each["seq"]) for each in page["data"]] == [(str(other.pk), 1)]
    stream = web.ask(f"/v3/delta/streaming?cursor={page['next_cursor']}", Accept="text/event-stream")
    log_changes(account, ("grant", account.pk, "updated"))
    lines: list[bytes] = []
    while not lines or lines[-1] != b"\n" or not any(line.startswith(b"data") for line in lines):
        lines.append(stream.readline())
    told = {line.partition(b": ")[0]: line.partition(b": ")[2].strip() for line in lines}
    entry = json.loads(told[b"data"])
    assert (entry["grant_id"], entry["cursor"]) == (str(account.pk), told[b"id"].decode())
    stream.close()
