"""What another client does is over REST within two seconds, unasked, whatever died before."""

import contextlib
import os
import signal
import statistics
import time
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

import psycopg2
import pytest
from imapclient import IMAPClient

from syncfarm.dovecot import Dovecot
from syncfarm.embedded import child
from tests.acceptance.mirrored import *  # noqa: F403 -- fixtures
from tests.acceptance.mirrored import PASSWORD, USER, Rest, client
from tests.acceptance.test_farm import Farm
from tests.integration.mirroring import mail
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(300)
GOAL = 2.0  # seconds, of the median; the machine may be busy
BOUND = 5.0  # of each
ROUNDS = 3


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dovecot]:
    with Dovecot.start(tmp_path_factory.mktemp("imap"), {USER: PASSWORD}) as started:
        with client(started) as imap:
            imap.append("INBOX", mail("First"))
            imap.create_folder("Kept")
            imap.create_folder("Done")
        yield started


class Watched(Rest):
    """The API, and the account's row."""

    def connect(self, port: int) -> None:
        super().connect(port)
        wait_until(lambda: self.sync()["watch"] == "notify", 60)

    def sync(self) -> dict[str, Any]:
        return dict(self.get(f"grants/{USER}/sync")["data"])

    def found(self, subject: str) -> list[dict[str, Any]]:
        return list(self.get(f"grants/{USER}/messages?subject={urllib.parse.quote(subject)}")["data"])

    def folders(self) -> dict[str, str]:
        return {each["id"]: each["name"] for each in self.get(f"grants/{USER}/folders")["data"]}

    def rows(self, statement: str) -> list[Any]:
        with psycopg2.connect(self.farm.facts["database_url"]) as database, database.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def sleep(self) -> None:
        """From here on nobody looks at the mailbox for an hour, unless told."""
        quiet = "SELECT lease_token IS NULL AND next_sync_at > now() FROM accounts_account"
        wait_until(lambda: self.rows(quiet) == [(True,)], 30)
        self.rows("UPDATE accounts_account SET next_sync_at = now() + interval '1 hour'")

    def seconds(self, change: Callable[[], object], fact: Callable[[], object], bound: float = BOUND) -> float:
        """From the end of a change to where the API tells of it, while nobody looks by himself."""
        self.sleep()
        change()
        began = time.monotonic()
        while not fact():
            assert time.monotonic() - began < bound, f"not within {bound} s"
            time.sleep(0.02)
        return time.monotonic() - began


@pytest.fixture(scope="module")
def rest(farm: Farm, server: Dovecot) -> Watched:
    api = Watched(farm)
    api.connect(server.port)
    return api


def _uid(imap: IMAPClient, folder: str, subject: str) -> int:
    imap.select_folder(folder)
    (uid,) = imap.search(["SUBJECT", subject])
    return int(uid)


def test_each_kind_of_change_is_seen_within_two_seconds(rest: Watched, server: Dovecot) -> None:
    times: dict[str, list[float]] = {}
    with client(server) as imap:
        for number in range(ROUNDS):
            name = f"Letter {number}."

            def there(fact: Callable[[dict[str, Any]], object], name: str = name) -> bool:
                return any(fact(each) for each in rest.found(name))

            def timed(kind: str, change: Callable[[], object], fact: Callable[[], object]) -> None:
                times.setdefault(kind, []).append(rest.seconds(change, fact))

            folders = rest.folders()
            timed("new mail", lambda: imap.append("Kept", mail(name)), lambda: rest.found(name))  # noqa: B023
            uid = _uid(imap, "Kept", name)
            timed("flag", lambda: imap.add_flags([uid], ["\\Flagged"]), lambda: there(lambda one: one["starred"]))  # noqa: B023
            timed(
                "move",
                lambda: imap.move([uid], "Done"),  # noqa: B023
                lambda: there(lambda one: [folders.get(each) for each in one["folders"]] == ["Done"]),  # noqa: B023
            )
            uid = _uid(imap, "Done", name)
            timed("deletion", lambda: (imap.delete_messages([uid]), imap.expunge()), lambda: not rest.found(name))  # noqa: B023
            timed("inbox", lambda: imap.append("INBOX", mail(f"In {number}.")), lambda: rest.found(f"In {number}."))  # noqa: B023
    print({kind: [round(each, 2) for each in all_of] for kind, all_of in times.items()})  # noqa: T201
    assert all(statistics.median(all_of) < GOAL for all_of in times.values()), times


def test_a_quiet_mailbox_is_not_looked_at(rest: Watched) -> None:
    rest.sleep()
    before = rest.sync()["last_sync_at"]
    time.sleep(3)
    assert rest.sync()["last_sync_at"] == before


def test_a_change_made_over_rest_ends_in_rest(rest: Watched, server: Dovecot) -> None:
    """Its own STORE is told, too: that costs a look, and no more."""
    (first,) = rest.found("First")
    rest.put(f"grants/{USER}/messages/{first['id']}", starred=True)
    with client(server) as imap:
        imap.select_folder("INBOX", readonly=True)
        wait_until(lambda: imap.search(["FLAGGED", "SUBJECT", "First"]), 10)
    rest.sleep()
    time.sleep(2)
    rest.sleep()
    time.sleep(2)
    assert rest.rows("SELECT next_sync_at > now() + interval '50 minutes' FROM accounts_account") == [(True,)]


@pytest.mark.parametrize("service", ["postgres/data", "valkey"])
def test_the_watch_outlives_its_services(farm: Farm, rest: Watched, server: Dovecot, service: str) -> None:
    watch = watch_process(farm)
    for pid in child.working_in(farm.var / service):
        with contextlib.suppress(ProcessLookupError):  # it went with the one before
            os.kill(pid, signal.SIGKILL if service == "valkey" else signal.SIGQUIT)
    wait_until(lambda: farm.answers("/healthz"), 60)
    with client(server) as imap:
        imap.append("Kept", mail(f"After {service}."))
    wait_until(lambda: rest.found(f"After {service}."), 30)
    assert watch_process(farm) == watch
    wait_until(lambda: rest.sync()["watch"] == "notify", 30)
    with client(server) as imap:
        rest.seconds(lambda: imap.append("Kept", mail(f"Later {service}.")), lambda: rest.found(f"Later {service}."))


def test_another_watch_takes_the_place_of_one_that_was_killed(farm: Farm, rest: Watched, server: Dovecot) -> None:
    since = rest.sync()["live_since"]
    os.kill(watch_process(farm), signal.SIGKILL)
    wait_until(lambda: (rest.sync()["live_since"] or 0) > since, 30)
    with client(server) as imap:
        rest.seconds(lambda: imap.append("Kept", mail("Taken over.")), lambda: rest.found("Taken over."))


def watch_process(farm: Farm) -> int:
    def of_watch(pid: int) -> bool:
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as line:  # noqa: PTH123
                return b"mail.watch" in line.read()
        except OSError:
            return False

    (pid,) = filter(of_watch, farm.processes())
    return pid
