import json
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Account
from mail import changes
from tests.integration.api_client import *  # noqa: F403 -- fixtures
from tests.integration.factories import log_changes, make_folder, make_message, unknown_id

pytestmark = pytest.mark.django_db


def ask(api: Client, account: Account, query: str = "") -> Any:
    return api.get(f"/v3/grants/{account.pk}/delta{query}")


def get(api: Client, account: Account, query: str = "") -> Any:
    answer = ask(api, account, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_an_entry_carries_its_object_as_the_rest_of_the_api_gives_it(api: Client, account: Account) -> None:
    folder = make_folder(account)
    row = make_message(account, folder, body="<p>whole</p>")
    log_changes(
        account,
        ("folder", folder.pk, "created"),
        ("message", row.pk, "created"),
        ("thread", row.thread_id, "updated"),
        ("grant", account.pk, "updated"),
    )
    page = get(api, account)
    assert [(each["seq"], each["object_type"], each["kind"]) for each in page["data"]] == [
        (1, "folder", "created"),
        (2, "message", "created"),
        (3, "thread", "updated"),
        (4, "grant", "updated"),
    ]
    grant = f"/v3/grants/{account.pk}"
    for entry, path in zip(page["data"], ("/folders/", "/messages/", "/threads/", None), strict=True):
        alone = api.get(f"{grant}{path}{entry['object_id']}" if path else grant).json()["data"]
        assert entry["object"] == alone
    assert page["data"][1]["object"]["body"] == "<p>whole</p>"
    assert page["next_cursor"] == "4"
    assert page["data"][0]["time"] == pytest.approx(timezone.now().timestamp(), abs=60)


def test_what_is_deleted_or_gone_since_has_no_object(api: Client, account: Account) -> None:
    row = make_message(account)
    gone = make_message(account)
    log_changes(account, ("message", gone.pk, "created"), ("message", row.pk, "deleted"))
    gone.delete()
    assert [each["object"] for each in get(api, account)["data"]] == [None, None]


def test_a_reader_that_follows_the_cursor_sees_every_seq_once(api: Client, account: Account) -> None:
    rows = [make_message(account) for _ in range(7)]
    log_changes(account, *(("message", row.pk, "created") for row in rows))
    seen, cursor = [], ""
    while page := get(api, account, f"?limit=3{cursor}"):
        cursor = f"&cursor={page['next_cursor']}"
        if not page["data"]:
            break
        seen += [each["seq"] for each in page["data"]]
    assert seen == [1, 2, 3, 4, 5, 6, 7]
    assert page["next_cursor"] == "7"
    log_changes(account, ("message", rows[0].pk, "updated"))
    assert [each["seq"] for each in get(api, account, cursor.replace("&", "?"))["data"]] == [8]


def test_coalescing_keeps_an_objects_last_entry_and_the_pages_end(api: Client, account: Account) -> None:
    one, two = make_message(account), make_message(account)
    log_changes(account, *(("message", row.pk, "updated") for row in (one, two, one, one, two)))
    page = get(api, account, "?coalesce=true&limit=4")
    assert [each["seq"] for each in page["data"]] == [2, 4]
    assert page["next_cursor"] == "4"


def test_an_empty_log_has_a_cursor_to_go_on_from(api: Client, account: Account) -> None:
    page = get(api, account)
    assert (page["data"], page["next_cursor"]) == ([], "0")
    log_changes(account, ("grant", account.pk, "updated"))
    assert len(get(api, account, f"?cursor={page['next_cursor']}")["data"]) == 1


def test_the_latest_cursor_is_the_logs_end(api: Client, account: Account) -> None:
    log_changes(account, ("grant", account.pk, "updated"), ("grant", account.pk, "updated"))
    answer = api.get(f"/v3/grants/{account.pk}/delta/latest_cursor").json()
    assert answer["data"]["cursor"] == answer["next_cursor"] == "2"
    page = get(api, account, "?cursor=2")
    assert (page["data"], page["next_cursor"]) == ([], "2")


def test_a_cursor_whose_successors_are_expired_says_where_to_start_again(api: Client, account: Account) -> None:
    log_changes(account, *[("grant", account.pk, "updated")] * 3)
    Account.objects.filter(pk=account.pk).update(search_seq=2)
    changes.expire(account.pk, timezone.now() + timedelta(days=1))
    answer = ask(api, account, "?cursor=1")
    assert answer.status_code == 410
    assert "start again from" in answer.json()["error"]["message"]
    assert "latest_cursor" in answer.json()["error"]["message"]
    assert [each["seq"] for each in get(api, account, "?cursor=2")["data"]] == [3]
    assert [each["seq"] for each in get(api, account)["data"]] == [3]


@pytest.mark.parametrize("cursor", ["x", "-1", "", "1.5", "٣", "9" * 40, "99", "1%00"])
def test_a_cursor_that_the_log_never_gave_is_refused(api: Client, account: Account, cursor: str) -> None:
    answer = ask(api, account, f"?cursor={cursor}")
    assert (answer.status_code, answer.json()["error"]["type"]) == (400, "invalid_request_error")


def test_a_page_holds_up_to_a_thousand_entries(api: Client, account: Account) -> None:
    log_changes(account, *[("message", row, "deleted") for row in [account.pk] * 1200])
    assert len(get(api, account)["data"]) == 50
    assert len(get(api, account, "?limit=5000")["data"]) == 1000


def test_a_page_holds_no_more_mail_than_an_answer_may(api: Client, account: Account) -> None:
    rows = [make_message(account, size=30 * 1024 * 1024) for _ in range(3)]
    log_changes(account, *(("message", row.pk, "created") for row in rows))
    page = get(api, account)
    assert ([each["seq"] for each in page["data"]], page["next_cursor"]) == ([1, 2], "2")


def test_a_page_takes_as_many_queries_for_many_as_for_few(api: Client, account: Account) -> None:
    def grow() -> None:
        folder = make_folder(account, unknown_id())
        row = make_message(account, folder)
        log_changes(
            account,
            ("folder", folder.pk, "created"),
            ("message", row.pk, "created"),
            ("thread", row.thread_id, "created"),
            ("grant", account.pk, "updated"),
        )

    grow()
    get(api, account)  # notes that the key is used
    with CaptureQueriesContext(connection) as few:
        get(api, account)
    for _ in range(10):
        grow()
    with CaptureQueriesContext(connection) as many:
        assert len(get(api, account)["data"]) == 44
    assert len(many) == len(few) <= 11


def test_odd_characters_arrive_as_they_are(api: Client, account: Account) -> None:
    row = make_message(account, subject="\u2028 \x7f \U0001f600 \\u0000")
    log_changes(account, ("message", row.pk, "created"))
    assert json.loads(ask(api, account).content)["data"][0]["object"]["subject"] == row.subject
