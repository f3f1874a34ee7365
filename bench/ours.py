"""Our side: a throw-away PostgreSQL as a farm has it, and the product's own steps against it."""

import base64
import json
import os
import shutil
import statistics
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import psycopg2

from bench.mailbox import PASSWORD, Mailbox
from bench.processes import family_cpu
from bench.relay import CountingRelay
from bench.watching import Cost, run
from syncfarm.dovecot import Dovecot
from syncfarm.embedded.postgres import Postgres

SAMPLE = 500  # messages whose bytes are compared
QUIET_TURNS = 20


@dataclass(frozen=True, slots=True)
class Run:
    """An initial sync: the worker's seconds from its start on, peak bytes, PostgreSQL's CPU seconds and bytes on
    disk."""

    wall: float
    cpu: float
    memory: int
    postgres_cpu: float
    database: int


@dataclass(frozen=True, slots=True)
class Quiet:
    """A sync that finds nothing changed: median seconds, round trips and octets on the wire."""

    messages: int
    wall: float
    round_trips: int
    octets: int


class Farm:
    """A database of its own, gone with the context."""

    def __init__(self, server: Dovecot, directory: Path) -> None:
        self._server = server
        self._directory = directory
        self._postgres = Postgres(directory / "postgres", port=0)  # its default settings: fsync is on

    def __enter__(self) -> Self:
        shutil.rmtree(self._directory, ignore_errors=True)
        self._directory.mkdir(parents=True)
        self._url = self._postgres.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._postgres.stop()
        shutil.rmtree(self._directory, ignore_errors=True)

    def connect(self, mailbox: Mailbox) -> str:
        """The mailbox as a new account; its id."""
        account, _cost = self._step("prepare", mailbox.user, str(self._server.port), PASSWORD)
        return str(account)

    def initial(
        self, account: str, mailbox: Mailbox, progress: Callable[[int], None], recorder: tuple[str, ...] = ()
    ) -> Run:
        """Mirror and verify. `recorder`: a command that runs the worker, such as a profiler's."""
        before = self._postgres_cpu()
        with psycopg2.connect(self._url) as connection:
            connection.autocommit = True
            found, cost = self._step(
                "initial", account, tick=lambda: progress(_mirrored(connection, account)), recorder=recorder
            )
            spent = self._postgres_cpu() - before
            size = int(_one(connection, "SELECT pg_database_size(current_database())"))
        connection.close()
        self._step("verify", account, mailbox.user, str(SAMPLE))
        return Run(found["wall"], found["cpu"], cost.memory, spent, size)

    def quiet(self, account: str, mailbox: Mailbox) -> Quiet:
        """Syncs of a mirror that is complete, while nothing happens on the server."""
        with CountingRelay(self._server.port) as relay:
            found, _cost = self._step("quiet", account, str(QUIET_TURNS), str(relay.port))
        traffic = relay.settle()
        return Quiet(mailbox.messages, statistics.median(found), traffic.round_trips, traffic.octets)

    def _step(
        self, name: str, *arguments: str, tick: Callable[[], None] = lambda: None, recorder: tuple[str, ...] = ()
    ) -> tuple[Any, Cost]:
        report = self._directory / "report.json"
        command = [*recorder, sys.executable, "-m", "bench.worker", name, str(report), *arguments]
        cost = run(command, self._environment(), self._directory / "log", tick)
        return json.loads(report.read_text()), cost

    def _environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "syncfarm.settings",
            "DATABASE_URL": self._url,
            "REDIS_URL": "redis://127.0.0.1:1/0",  # nobody listens: a sync needs no broker
            "SYNCFARM_SECRET_KEYS": base64.urlsafe_b64encode(b"benchmarks only, no secret here!").decode(),
            "SYNCFARM_TRUSTED_HOSTS": "127.0.0.1",
            "SYNCFARM_VAR": str(self._directory / "var"),
            "SYNCFARM_LOG_LEVEL": "WARNING",
        }

    def _postgres_cpu(self) -> float:
        return family_cpu(int((self._directory / "postgres" / "data" / "postmaster.pid").read_text().split()[0]))


def _mirrored(connection: Any, account: str) -> int:
    return int(
        _one(connection, "SELECT coalesce(sum(mirrored_count), 0) FROM mail_folder WHERE account_id = %s", account)
    )


def _one(connection: Any, query: str, *values: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return cursor.fetchone()[0]
