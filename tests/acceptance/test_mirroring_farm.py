"""A mailbox through the whole farm: connected by command, mirrored by beat and workers, read over REST, whatever dies."""

import hashlib
import time
import urllib.parse
import urllib.request
from base64 import urlsafe_b64decode
from collections.abc import Iterator

import pytest
import redis

from bench.line import Line
from syncfarm.dovecot import Dovecot
from tests.acceptance.mirrored import *  # noqa: F403 -- fixtures
from tests.acceptance.mirrored import PASSWORD, USER, Rest, client
from tests.acceptance.test_farm import Farm
from tests.integration.mirroring import mail
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(300)
COUNT = 4000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    with Dovecot.start(tmp_path_factory.mktemp("imap"), {USER: PASSWORD}) as started:
        with client(started) as imap:
            for start in range(0, COUNT, 500):
                imap.multiappend("INBOX", [mail(f"Mail {n}", Message_ID=f"<{n}@x>") for n in range(start, start + 500)])
        yield started


@pytest.fixture(scope="module")
def rest(farm: Farm, server: Dovecot) -> Iterator[Rest]:
    """Over a line so narrow that the first sync takes seconds, until the mailbox is connected anew."""
    api = Rest(farm)
    with Line(server.port, rate=200_000) as line:
        api.connect(line.port)
        yield api


def test_a_kill_of_everything_during_the_initial_sync_loses_nothing(farm: Farm, rest: Rest, server: Dovecot) -> None:
    wait_until(lambda: rest.mirrored() > 0, 60)
    assert rest.mirrored() < COUNT, "the kill is to come in the middle"
    farm.kill_everything()
    farm.start()
    wait_until(lambda: rest.state() == "live", 90)
    assert rest.mirrored() == COUNT
    log = rest.get(f"grants/{USER}/delta?limit=1000")["data"]
    assert [entry["seq"] for entry in log] == list(range(1, 1001))
    audit = farm.manage("audit", USER)
    assert audit.returncode == 0, audit.stdout + audit.stderr


def test_new_mail_arrives_by_itself(rest: Rest, server: Dovecot) -> None:
    with client(server) as imap:
        imap.append("INBOX", mail("Just now"))
    wait_until(lambda: "Just now" in rest.subjects(3), 60)


def test_what_is_changed_over_rest_reaches_the_server(rest: Rest, server: Dovecot) -> None:
    with client(server) as imap:
        imap.append("INBOX", mail("To be read"))
        wait_until(lambda: "To be read" in rest.subjects(5), 60)
        (row,) = [
            each for each in rest.get(f"grants/{USER}/messages?limit=5")["data"] if each["subject"] == "To be read"
        ]
        assert not rest.put(f"grants/{USER}/messages/{row['id']}", unread=False, starred=True)["data"]["unread"]
        imap.select_folder("INBOX", readonly=True)
        (uid,) = imap.search(["SUBJECT", "To be read"])
        wait_until(lambda: {b"\\Seen", b"\\Flagged"} <= set(imap.fetch([uid], ["FLAGS"])[uid][b"FLAGS"]), 30)
    path = f"grants/{USER}/actions?limit=1"
    wait_until(lambda: rest.get(path)["data"][0]["status"] == "done", 30)


def test_an_emptied_redis_costs_nothing(farm: Farm, rest: Rest, server: Dovecot) -> None:
    with redis.Redis.from_url(farm.facts["redis_url"]) as broker:
        broker.flushall()
    with client(server) as imap:
        imap.append("INBOX", mail("After the flush"))
    wait_until(lambda: "After the flush" in rest.subjects(3), 90)


def test_the_raw_message_is_what_imap_gives(rest: Rest, server: Dovecot) -> None:
    listed = rest.get(f"grants/{USER}/messages?limit=20&fields=raw_mime")["data"]
    raw = {hashlib.sha256(urlsafe_b64decode(each["raw_mime"] + "==")).digest() for each in listed}
    with client(server) as imap:
        imap.select_folder("INBOX", readonly=True)
        bodies = imap.fetch(imap.search("ALL"), ["BODY.PEEK[]"])
    there = {hashlib.sha256(data[b"BODY[]"]).digest() for data in bodies.values()}
    assert len(raw) == 20
    assert raw <= there


def test_words_are_found_once_the_index_has_come_by(rest: Rest, server: Dovecot) -> None:
    with client(server) as imap:
        imap.append("INBOX", mail("Found by these words"))
    query = urllib.parse.urlencode({"search_query_native": 'subject:"these words"'})
    wait_until(lambda: len(rest.get(f"grants/{USER}/messages?{query}")["data"]) == 1, 120)


def test_a_changed_password_is_said_in_words_and_reconnecting_revives(farm: Farm, rest: Rest, server: Dovecot) -> None:
    server.add_user(USER, "another")
    wait_until(lambda: rest.state() == "invalid", 60)
    grant = rest.get(f"grants/{USER}")["data"]
    assert grant["grant_status"] == "invalid"
    assert "password" in grant["state_reason"].lower()
    server.add_user(USER, PASSWORD)
    where = ["--imap-host", "127.0.0.1", "--imap-port", str(server.port), "--no-tls", "--application", "acceptance"]
    time.sleep(1.1)  # Dovecot looks at its password file once a second
    assert farm.manage("connect", USER, *where).returncode == 0
    wait_until(lambda: rest.state() == "live", 60)


def test_a_server_that_goes_away_is_said_in_words_and_comes_back_by_itself(rest: Rest, server: Dovecot) -> None:
    server.kill()
    wait_until(lambda: rest.state() == "error", 60)
    grant = rest.get(f"grants/{USER}")["data"]
    assert grant["grant_status"] == "valid"
    assert "127.0.0.1" in grant["state_reason"]
    server.restart()
    wait_until(lambda: rest.state() == "live", 120)
