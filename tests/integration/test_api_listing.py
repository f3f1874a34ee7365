"""A page is the same whether its rows were met on a walk or looked up in an index, and takes as many queries."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.db.models import QuerySet
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from api import filters
from api.listing import Steps
from mail import search
from mail.metadata import set_metadata
from mail.models import Folder, Message, Thread
from tests.integration.api_client import *  # noqa: F403 -- fixtures
from tests.integration.api_client import get
from tests.integration.factories import (
    ALICE,
    BOB,
    START,
    log_changes,
    make_account,
    make_folder,
    make_message,
    make_thread,
)

pytestmark = pytest.mark.django_db

AT = int(START.timestamp())
FILTERS = (
    "", "subject=Inv", "any_email=bob@example.test", "from=bob@example.test", "to=alice@example.test",
    "cc=bob@example.test", "bcc=bob@example.test", "in={inbox}", "in={archive}", "in={inbox},{archive}", "in={foreign}",
    "unread=true", "unread=false", "starred=true", "starred=false", "thread_id={thread}",
    f"received_before={AT + 6 * 3600}", f"received_after={AT + 6 * 3600}", "has_attachment=true", "has_attachment=false",
    "search_query_native=fox", "search_query_native=-fox", "search_query_native=has:attachment", "metadata_pair=a:b",
    "in={inbox}&unread=true", "in={inbox}&starred=true", "in={archive}&has_attachment=true", "in={archive}&subject=Inv",
    "in={inbox}&any_email=bob@example.test&unread=true", "unread=true&subject=Inv", "thread_id={thread}&subject=Inv",
    f"in={{inbox}}&received_after={AT + 6 * 3600}&search_query_native=fox",
)  # fmt: skip
OF_THREADS = (
    f"latest_message_before={AT + 6 * 3600}", f"latest_message_after={AT + 6 * 3600}",
    f"earliest_message_date={AT + 6 * 3600}", f"earliest_message_date={AT + 3600}&from=alice@example.test",
    f"received_after={AT + 3 * 3600}&received_before={AT + 6 * 3600}", "unread=true&in={archive}",
)  # fmt: skip


@pytest.fixture
def folders(account: Account) -> dict[str, Folder]:
    return {
        "inbox": make_folder(account),
        "archive": make_folder(account, "Archive"),
        "foreign": make_folder(make_account()),
    }


def fill(account: Account, folders: dict[str, Folder], count: int) -> str:
    """Messages of every kind, in threads that go on beside each other; the id of one of these."""
    inbox, archive = folders["inbox"], folders["archive"]
    threads = [make_thread(account, subject="") for _ in range(5)]
    for number in range(count):
        row = make_message(
            account, *((inbox,) if number % 3 else (archive, inbox) if number % 2 else (archive,)),
            thread=None if number % 10 == 9 else threads[number * number % 5], at=START + timedelta(hours=number // 2),
            subject=f"{'Invoice' if number % 4 == 0 else 'Letter'} {number}",
            from_addresses=[BOB if number % 5 == 0 else ALICE], to_addresses=[ALICE if number % 5 == 0 else BOB],
            cc_addresses=[BOB] if number % 7 == 0 else [], bcc_addresses=[BOB] if number % 6 == 0 else [],
            unread=number % 3 == 1, starred=number % 6 == 1, has_attachments=number % 5 == 2,
            body=f"<p>{'fox' if number % 3 == 0 else 'hen'}</p>",
        )  # fmt: skip
        log_changes(account, ("message", row.pk, "created"))
        if number % 4 == 3:
            set_metadata(account.pk, row.pk, {"a": "b"})
    for thread in threads:  # as the mirror has it: the first message's subject
        thread.refresh_from_db()
        thread.subject = (thread.messages.order_by("received_at", "id").first() or row).subject
        thread.save()
    search.index_account(account.pk)
    return str(threads[0].pk)


def walk(api: Client, account: Account, path: str) -> list[str]:
    found, token = [], ""
    while True:
        page = get(api, account, f"{path}&limit=3{token}")
        found += [each["id"] for each in page["data"]]
        if "next_cursor" not in page:
            return found
        token = f"&page_token={page['next_cursor']}"


def steps(patch: pytest.MonkeyPatch, first: int, most: int) -> None:
    patch.setattr(filters, "_MESSAGES", Steps(first, most))
    patch.setattr(filters, "_THREADS", Steps(first, most))


def test_every_way_to_the_rows_finds_the_same(
    api: Client, account: Account, folders: dict[str, Folder], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = {"thread": fill(account, folders, 30), **{name: folder.pk for name, folder in folders.items()}}
    paths = [f"/messages?{each}" for each in FILTERS] + [f"/threads?{each}" for each in (*FILTERS, *OF_THREADS)]
    for path in paths:
        steps(monkeypatch, 1_000, 1_000)  # all is met on the walk
        walked = walk(api, account, path.format(**names))
        for first, most in ((1, 1), (3, 9), (4, 1_000)):  # nearly all is looked up; some pages are; most are not
            steps(monkeypatch, first, most)
            assert walk(api, account, path.format(**names)) == walked, path
        assert walked or "foreign" in path or "thread_id" in path, path


@pytest.mark.parametrize(("first", "most"), [(1, 1), (3, 9), (1_000, 1_000)])
def test_threads_by_time_are_those_with_a_message_then(
    api: Client, account: Account, folders: dict[str, Folder], first: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps(monkeypatch, first, most)
    fill(account, folders, 30)
    rows = Message.objects.filter(account=account).values_list("thread_id", "received_at", "unread")
    hours = [START + timedelta(hours=number, minutes=minutes) for number in (0, 4, 9) for minutes in (0, 1)]
    for before in hours:
        for after in (None, *hours):
            for unread in (None, True, False):
                fit = {
                    str(thread)
                    for thread, at, _ in rows
                    if at < before and (after is None or at > after) and unread in {None, has_unread(rows, thread)}
                }
                query = f"/threads?received_before={int(before.timestamp())}"
                query += f"&received_after={int(after.timestamp())}" if after else ""
                query += "" if unread is None else f"&unread={str(unread).lower()}"
                found = walk(api, account, query)
                latest = {str(one.pk): (one.latest_at, one.pk) for one in Thread.objects.filter(account=account)}
                assert found == sorted(fit, key=latest.__getitem__, reverse=True), query


def has_unread(rows: QuerySet[Message, Any], thread: UUID) -> bool:
    return any(unread for each, _at, unread in rows if each == thread)


@pytest.mark.parametrize(("first", "most"), [(1, 1), (3, 9), (1_000, 1_000)])
def test_a_page_takes_as_many_queries_of_many_rows_as_of_few(
    api: Client, account: Account, folders: dict[str, Folder], first: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps(monkeypatch, first, most)
    names = {"thread": fill(account, folders, 12), **{name: folder.pk for name, folder in folders.items()}}
    paths = [f"/messages?{each}" for each in FILTERS] + [f"/threads?{each}" for each in (*FILTERS, *OF_THREADS)]
    paths = [path.format(**names) for path in paths]
    get(api, account, "/messages")  # notes that the key is used
    before = {path: _queries(api, account, path) for path in paths}
    fill(account, folders, 30)
    for path, count in before.items():
        bound = 10 if path.startswith("/threads") else 8  # whatever is asked for
        assert (count <= bound, _queries(api, account, path) <= bound) == (True, True), path


def _queries(api: Client, account: Account, path: str) -> int:
    with CaptureQueriesContext(connection) as made:
        get(api, account, path)
    return len(made)


def test_folders_take_as_many_queries_for_many_as_for_few(api: Client, account: Account) -> None:
    make_folder(account)
    get(api, account, "/folders")
    few = _queries(api, account, "/folders")
    for number in range(20):
        make_folder(account, f"Folder {number}")
    assert _queries(api, account, "/folders") == few == 3
