"""The embedded PostgreSQL and Valkey: data kept, leftovers of killed farms ended, ports found."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
import redis

from syncfarm.embedded import ServiceFailed, child, ports
from syncfarm.embedded.postgres import THROW_AWAY, Postgres
from syncfarm.embedded.valkey import Valkey
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
STARTER = """
import sys, time
from pathlib import Path
from syncfarm.embedded.postgres import THROW_AWAY, Postgres
from syncfarm.embedded.valkey import Valkey
from tests.waiting import wait_until
from tests.waiting import wait_until
from tests.waiting import wait_until
directory = Path(sys.argv[1])
print(Postgres(directory / "postgres", port=0, settings=THROW_AWAY).start(), flush=True)
print(Valkey(directory / "valkey", port=0).start(), flush=True)
time.sleep(600)
"""


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(tmp_path / "postgres", port=0, settings=THROW_AWAY)
    yield server
    server.stop()


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[Valkey]:
    server = Valkey(tmp_path / "valkey", port=0)
    yield server
    server.stop()


def ask(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(statement)
        rows = list(cursor.fetchall()) if cursor.description else []
    connection.close()
    return rows


def test_postgres_keeps_its_data_between_runs(postgres: Postgres, tmp_path: Path) -> None:
    url = postgres.start()
    ask(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    postgres.stop()
    assert child.working_in(tmp_path / "postgres" / "data") == []
    again = postgres.start()
    assert ask(again, "SELECT answer FROM kept") == [(42,)]


def test_postgres_lets_nobody_in_without_the_password(postgres: Postgres) -> None:
    _, _, place = postgres.start().rpartition("@")
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(f"postgresql://postgres@{place}")
    assert (postgres.directory / "password").stat().st_mode & 0o077 == 0


def test_postgres_survives_a_kill_of_all_its_processes(tmp_path: Path) -> None:
    postgres = Postgres(tmp_path / "postgres", port=0)  # durable
    url = postgres.start()
    ask(url, "CREATE TABLE kept AS SELECT 42 AS answer")
    for pid in child.working_in(tmp_path / "postgres" / "data"):
        with contextlib.suppress(ProcessLookupError):  # it went with the one before
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not postgres.is_running())
    try:
        assert ask(postgres.start(), "SELECT answer FROM kept") == [(42,)]
    finally:
        postgres.stop()


def test_a_stale_process_number_does_not_keep_postgres_from_starting(postgres: Postgres) -> None:
    postgres.start()
    postgres.stop()
    # The number belongs to a living process that is no PostgreSQL: this one.
    (postgres.directory / "data" / "postmaster.pid").write_text(f"{os.getpid()}\n{postgres.directory}/data\n0\n1\n\n\n")
    assert ask(postgres.start(), "SELECT 1") == [(1,)]


def test_a_set_up_that_was_cut_short_is_done_again(postgres: Postgres) -> None:
    half = postgres.directory / "new" / "base"
    half.mkdir(parents=True)
    (half / "half").write_text("")
    assert ask(postgres.start(), "SELECT 1") == [(1,)]


def test_a_broken_data_directory_is_named_in_one_line(postgres: Postgres) -> None:
    postgres.start()
    postgres.stop()
    (postgres.directory / "data" / "PG_VERSION").write_text("9.1\n")
    with pytest.raises(ServiceFailed, match=r"PostgreSQL does not start: FATAL: .*incompatible") as caught:
        postgres.start()
    assert len(str(caught.value).splitlines()) == 1


def test_servers_die_with_a_starter_that_is_killed(tmp_path: Path) -> None:
    starter = subprocess.Popen([sys.executable, "-c", STARTER, tmp_path], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    urls = [starter.stdout.readline(), starter.stdout.readline()]
    assert all(urls)
    starter.kill()
    starter.wait()
    starter.stdout.close()
    for directory in (tmp_path / "postgres" / "data", tmp_path / "valkey"):
        child.end(lambda d=directory: child.working_in(d), signal.SIGCONT, 15)  # type: ignore[misc] # mypy cannot infer a lambda's default
    assert not any(_listens(url) for url in urls)


def _listens(url: str) -> bool:
    port = int(url.rsplit(":", 1)[1].partition("/")[0])
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_a_taken_port_makes_way_for_another(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        server = Valkey(tmp_path / "valkey", port=taken)
        try:
            assert f":{taken}/" not in server.start()
        finally:
            server.stop()
    assert ports.is_free(taken)


def test_valkey_starts_over_when_its_snapshot_cannot_be_read(valkey: Valkey) -> None:
    valkey.directory.mkdir()
    (valkey.directory / "dump.rdb").write_bytes(b"REDIS0011 nonsense")
    with redis.Redis.from_url(valkey.start()) as client:
        assert client.keys() == []


def test_valkey_comes_back_under_the_same_address(valkey: Valkey) -> None:
    address = valkey.start()
    for pid in child.working_in(valkey.directory):
        with contextlib.suppress(ProcessLookupError):  # it went with the one before
            os.kill(pid, signal.SIGKILL)
    wait_until(lambda: not valkey.is_running())
    assert valkey.start() == address


def test_valkey_lets_nobody_in_without_the_password(valkey: Valkey) -> None:
    place = valkey.start().rpartition("@")[2]
    with redis.Redis.from_url(f"redis://{place}") as client, pytest.raises(redis.AuthenticationError):
        client.ping()
