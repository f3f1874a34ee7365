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
from mail.models import Transaction
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


def test_types_are_chosen_and_the_cursor_passes_the_others(api: Client, account: Account) -> None:
    row = make_message(account)
    log_changes(account, *[("thread", row.thread_id, "updated")] * 3, ("message", row.pk, "updated"))
    log_changes(account, *[("thread", row.thread_id, "updated")] * 3)
    page = get(api, account, "?include_types=message,grant")
    assert [(each["seq"], each["object_type"]) for each in page["data"]] == [(4, "message")]
    assert page["next_cursor"] == "7"
    page = get(api, account, "?exclude_types=message&exclude_types=folder&limit=4")
    assert [each["seq"] for each in page["data"]] == [1, 2, 3, 5]
    assert page["next_cursor"] == "5"
    page = get(api, account, "?include_types=bounce")
    assert (page["data"], page["next_cursor"]) == ([], "7")


def test_entries_are_given_without_their_objects(api: Client, account: Account) -> None:
    log_changes(account, ("message", make_message(account).pk, "created"), ("grant", account.pk, "updated"))
    whole, narrow = get(api, account, "?view=expanded"), get(api, account, "?view=ids")
    assert [{**each, "object": None} for each in narrow["data"]] == [{**each, "object": None} for each in whole["data"]]
    assert all("object" not in each for each in narrow["data"])


@pytest.mark.parametrize("query", ["include_types=mails", "include_types=", "view=all", "include_types=message&exclude_types=thread"])  # fmt: skip
def test_what_a_query_gets_wrong_is_named(api: Client, account: Account, query: str) -> None:
    answer = ask(api, account, f"?{query}")
    assert answer.status_code == 400
    assert query.partition("=")[0] in answer.json()["error"]["message"]


def cursor_at(api: Client, account: Account, time: float) -> Any:
    return api.get(f"/v3/grants/{account.pk}/delta/cursor?time={int(time)}")


def test_a_cursor_at_a_time_has_all_changes_since_after_it(api: Client, account: Account) -> None:
    now = timezone.now()
    log_changes(account, *[("grant", account.pk, "updated")] * 6)
    for seq, age in enumerate((50, 40, 20, 30, 10, 5), start=1):  # the fourth began before the third, and waited for it
        Transaction.objects.filter(account=account, seq=seq).update(created_at=now - timedelta(minutes=age))
    for age, cursor in ((60, "0"), (45, "1"), (25, "2"), (7, "5"), (0, "6")):
        found = cursor_at(api, account, (now - timedelta(minutes=age)).timestamp() + 1).json()
        assert found["data"]["cursor"] == found["next_cursor"] == cursor


def test_a_time_of_which_changes_may_have_expired_is_told_so(api: Client, account: Account) -> None:
    log_changes(account, *[("grant", account.pk, "updated")] * 3)
    old = timezone.now() - timedelta(days=40)
    Transaction.objects.filter(account=account, seq__lte=2).update(created_at=old)
    Account.objects.filter(pk=account.pk).update(search_seq=3)
    changes.expire_all(timezone.now() - changes.AGE)
    answer = cursor_at(api, account, (old - timedelta(days=1)).timestamp())
    assert answer.status_code == 410
    assert "latest_cursor" in answer.json()["error"]["message"]
    recent = timezone.now() - timedelta(days=29)
    assert cursor_at(api, account, recent.timestamp()).json()["data"]["cursor"] == "2"


def test_a_cursor_at_no_time_is_refused(api: Client, account: Account) -> None:
    answer = api.get(f"/v3/grants/{account.pk}/delta/cursor")
    assert answer.status_code == 400
    assert "'time'" in answer.json()["error"]["message"]
