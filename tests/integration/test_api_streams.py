"""Readers that wait, of a web process as a farm has it: long polls, lines and server-sent events."""

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account, ApiKey
from api.feed import Choice, GrantFeed
from api.views import streams
from api.waiting import Topic, Waiting
from mail import changes
from tests.integration.factories import log_changes, make_account, make_key, make_message
from tests.integration.web import Web, connections, serving
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db(transaction=True)
SETTINGS = "tests.integration.hasty_settings"
SOON = 2.0  # seconds: far less than the look of the database that comes by itself


@pytest.fixture
def account() -> Account:
    return make_account()


@pytest.fixture
def key(account: Account) -> tuple[ApiKey, str]:
    return make_key(account.application)


@pytest.fixture(scope="module")
def process(django_db_setup: None, django_db_blocker: Any) -> Iterator[Web]:
    with django_db_blocker.unblock(), serving("", "streams", SETTINGS) as web:
        yield web


@pytest.fixture
def web(process: Web, key: tuple[ApiKey, str]) -> Web:
    return replace(process, key=key[1])


def change(account: Account, count: int = 1) -> None:
    log_changes(account, *[("grant", account.pk, "updated")] * count)


def later(account: Account, seconds: float) -> None:
    """A change by somebody else."""
    threading.Timer(seconds, change, [account]).start()


def poll(web: Web, account: Account, query: str) -> Any:
    answer = web.ask(f"/v3/grants/{account.pk}/delta/longpoll?{query}")
    assert answer.status == 200, answer.read()
    return json.loads(answer.read())


class Stream:
    """A reader of a stream, one block after the other."""

    def __init__(self, web: Web, account: Account, query: str = "", **headers: str) -> None:
        self._answer: http.client.HTTPResponse = web.ask(f"/v3/grants/{account.pk}/delta/streaming?{query}", **headers)
        self.status, self.type = self._answer.status, self._answer.headers["Content-Type"]

    def line(self) -> Any:
        """The next change of NDJSON; None where the stream ends."""
        while line := self._answer.readline():
            if line.strip():
                return json.loads(line)
        return None

    def event(self) -> dict[str, str]:
        """The next event, by field."""
        found: dict[str, str] = {}
        while line := self._answer.readline().decode():
            name, _, value = line.rstrip("\n").partition(": ")
            if name and not line.startswith(":"):
                found[name] = value
            if found and line == "\n":
                return found
        return found

    def close(self) -> None:
        self._answer.close()


def test_a_long_poll_answers_as_soon_as_there_is_something(web: Web, account: Account) -> None:
    change(account, 2)
    page = poll(web, account, "cursor=0&limit=1")
    assert ([each["seq"] for each in page["data"]], page["next_cursor"]) == ([1], "1")
    later(account, 0.5)
    started = time.monotonic()
    page = poll(web, account, "cursor=2&timeout=20")
    assert ([each["seq"] for each in page["data"]], page["next_cursor"]) == ([3], "3")
    assert 0.3 < time.monotonic() - started < 0.5 + SOON


def test_a_long_poll_in_vain_keeps_its_cursor_and_passes_what_it_does_not_want(web: Web, account: Account) -> None:
    change(account)
    started = time.monotonic()
    page = poll(web, account, "cursor=1&timeout=1")
    assert (page["data"], page["next_cursor"]) == ([], "1")
    assert time.monotonic() - started > 0.9
    later(account, 0.3)
    page = poll(web, account, "cursor=1&timeout=1&include_types=message")
    assert (page["data"], page["next_cursor"]) == ([], "2")


def test_lines_tell_what_was_and_what_comes(web: Web, account: Account) -> None:
    row = make_message(account)
    log_changes(account, ("message", row.pk, "created"))
    stream = Stream(web, account, "cursor=0")
    assert (stream.status, stream.type) == (200, "application/x-ndjson")
    first = stream.line()
    assert (first["seq"], first["object"]["id"]) == (1, str(row.pk))
    for seq in range(2, 6):
        started = time.monotonic()
        change(account)
        assert stream.line()["seq"] == seq
        assert time.monotonic() - started < SOON
    change(account, 250)  # more than are read at once
    assert [stream.line()["seq"] for _ in range(250)] == list(range(6, 256))
    stream.close()


def test_server_sent_events_go_on_after_the_last_that_was_seen(web: Web, account: Account) -> None:
    change(account, 3)
    accept = {"Accept": "text/event-stream"}
    stream = Stream(web, account, "cursor=1", **accept)
    assert stream.type == "text/event-stream"
    event = stream.event()
    assert (event["event"], event["id"], json.loads(event["data"])["seq"]) == ("change", "2", 2)
    stream.close()
    change(account)
    stream = Stream(web, account, "cursor=1", **accept, **{"Last-Event-ID": event["id"]})
    assert [stream.event()["id"] for _ in range(2)] == ["3", "4"]
    stream.close()


def test_types_are_chosen(web: Web, account: Account) -> None:
    stream = Stream(web, account, "include_types=message&view=ids")
    change(account, 5)
    row = make_message(account)
    log_changes(account, ("message", row.pk, "created"))
    found = stream.line()
    assert (found["seq"], found["object_id"]) == (6, str(row.pk))
    assert "object" not in found
    stream.close()


def test_a_cursor_that_cannot_be_read_from_is_refused_before_the_stream(web: Web, account: Account) -> None:
    change(account, 3)
    Account.objects.filter(pk=account.pk).update(search_seq=2)
    changes.expire(account.pk, timezone.now())
    for cursor, status in (("1", 410), ("99", 400), ("x", 400)):
        for path in ("streaming", "longpoll"):
            answer = web.ask(f"/v3/grants/{account.pk}/delta/{path}?cursor={cursor}", Accept="text/event-stream")
            assert (answer.status, "message" in json.loads(answer.read())["error"]) == (status, True)


def test_waiting_readers_hold_no_connection_to_the_database(web: Web, account: Account) -> None:
    readers = [Stream(web, account) for _ in range(60)]
    wait_until(lambda: connections("streams") <= 1)
    change(account)
    assert [reader.line()["seq"] for reader in readers] == [1] * 60
    for stream in readers:
        stream.close()


def test_the_stream_of_a_revoked_key_and_of_a_removed_account_ends(
    web: Web, account: Account, key: tuple[ApiKey, str]
) -> None:
    other = make_account(account.application)
    readers = [Stream(web, each) for each in (account, other)]
    Account.objects.filter(pk=account.pk).update(removed_at=timezone.now())
    assert readers[0].line() is None
    ApiKey.objects.filter(pk=key[0].pk).update(revoked_at=timezone.now())
    assert readers[1].line() is None


def test_what_redis_loses_is_seen_a_little_later(account: Account, key: tuple[ApiKey, str]) -> None:
    with serving(key[1], "deaf", REDIS_URL="redis://127.0.0.1:9/0") as web:
        stream = Stream(web, account)
        change(account)
        assert stream.line()["seq"] == 1
        later(account, 0.5)
        assert [each["seq"] for each in poll(web, account, "cursor=1&timeout=20")["data"]] == [2]
        stream.close()


def test_who_does_not_read_is_hung_up_on_and_comes_again(web: Web, account: Account) -> None:
    rows = [make_message(account, body=f"{number} " + "word " * 20_000) for number in range(40)]
    path = f"/v3/grants/{account.pk}/delta/streaming?cursor=0"
    with socket.socket() as asked:
        asked.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        asked.connect(("127.0.0.1", web.port))
        asked.sendall(f"GET {path} HTTP/1.1\r\nHost: farm\r\nAuthorization: Bearer {web.key}\r\n\r\n".encode())
        log_changes(account, *[("message", row.pk, "created") for row in rows])
        time.sleep(2 + 2 * SOON)
        got, seen = b"", b"."
        with suppress(ConnectionError):
            while seen:
                seen = asked.recv(1024 * 1024)
                got += seen
    seqs = [json.loads(line)["seq"] for line in got.split(b"\n") if line.startswith(b'{"seq"') and line.endswith(b"}")]
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) < len(rows)
    stream = Stream(web, account, f"cursor={len(seqs)}&view=ids")
    assert [stream.line()["seq"] for _ in rows[len(seqs) :]] == list(range(len(seqs) + 1, len(rows) + 1))
    stream.close()


def collected(account: Account, key: ApiKey, form: type[streams.Lines | streams.Events]) -> list[bytes]:
    """What a stream sends in its whole life."""

    async def read() -> list[bytes]:
        reader = streams.Reader(
            GrantFeed(account, Choice.of({})), Topic(account.application_id, account.pk), key.pk, "0"
        )
        return [piece async for piece in reader.stream(form)]

    return asyncio.run(read())


@pytest.mark.parametrize("form", [streams.Lines, streams.Events])
def test_a_stream_says_that_it_lives_and_ends_after_its_time(
    account: Account,
    key: tuple[ApiKey, str],
    form: type[streams.Lines | streams.Events],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(streams, "waiting", Waiting())  # one belongs to one event loop
    monkeypatch.setattr(streams, "HEARTBEAT", 0.3)
    monkeypatch.setattr(streams, "LIFETIME", 1.0)
    change(account)
    found = collected(account, key[0], form)
    assert (found[0], form.heartbeat in found[2:], len(found) < 10) == (form.heartbeat, True, True)
    assert b'"seq":1' in found[1]


def test_a_stream_whose_log_expires_under_it_says_so(
    account: Account, key: tuple[ApiKey, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "waiting", Waiting())
    change(account, 3)
    Account.objects.filter(pk=account.pk).update(search_seq=3)
    changes.expire(account.pk, timezone.now() + timedelta(seconds=1))
    told = collected(account, key[0], streams.Lines)
    assert json.loads(told[-1])["error"]["type"] == "cursor_expired"
    assert "latest_cursor" in json.loads(told[-1])["error"]["message"]
