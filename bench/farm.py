"""Our side: a throw-away PostgreSQL as a farm has it, and the product's own steps against it."""

import base64
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import psycopg2

from bench.mailbox import PASSWORD, Mailbox
from bench.processes import family_cpu
from bench.statements import LOG_ALL, StatementLog
from bench.watching import Cost, RunFailed, run
from syncfarm.embedded.postgres import Postgres

WORKER_POOL = "20"  # database connections; one account never comes near
LONGEST_REST = 120.0  # seconds
NOBODY = "redis://127.0.0.1:1/0"  # a sync needs no broker


class Farm:
    """A database of its own, gone with the context. Its settings are a farm's: every commit is synced to disk."""

    def __init__(self, directory: Path, redis_url: str = NOBODY, *, log_statements: bool = False) -> None:
        self.directory = directory
        self._redis_url = redis_url
        self._postgres = Postgres(directory / "postgres", port=0, settings=(LOG_ALL,) if log_statements else ())

    def __enter__(self) -> Self:
        shutil.rmtree(self.directory, ignore_errors=True)
        self.directory.mkdir(parents=True)
        self.url = self._postgres.start()
        self.step("prepare")
        return self

    def __exit__(self, *_error: object) -> None:
        self._postgres.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def connect(self, boxes: Sequence[Mailbox], port: int) -> list[str]:
        """The mailboxes at this port as new accounts, not due; their ids."""
        accounts, _cost = self.step("connect", str(port), PASSWORD, *(box.user for box in boxes))
        return [str(account) for account in accounts]

    def verify(self, accounts: Sequence[str], boxes: Sequence[Mailbox], port: int, sample: int) -> None:
        """bench.verification.verify. Raises RunFailed. `port`: the server's."""
        pairs = (f"{account}/{box.user}" for account, box in zip(accounts, boxes, strict=True))
        self.step("verify", str(port), str(sample), *pairs)

    def step(
        self,
        name: str,
        *arguments: str,
        tick: Callable[[], None] = lambda: None,
        prefix: tuple[str, ...] = (),
        as_worker: bool = False,
    ) -> tuple[Any, Cost]:
        """One of bench.steps in a process of its own: what it returned, and what the process took. Raises RunFailed.

        `prefix`: a command that runs the step, such as a profiler's; `as_worker`: in a process like the farm's workers.
        """
        report = self.directory / "report.json"
        command = [*prefix, sys.executable, "-m", "bench.worker", name, str(report), *arguments]
        cost = run(command, self.environment(as_worker=as_worker), self.directory / "log", tick)
        return json.loads(report.read_text()), cost

    def environment(self, *, as_worker: bool = False) -> dict[str, str]:
        """Of the farm's processes; `as_worker`: with a bound on database connections, as the Procfile has it."""
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "syncfarm.settings",
            "DATABASE_URL": self.url,
            "REDIS_URL": self._redis_url,
            "SYNCFARM_SECRET_KEYS": base64.urlsafe_b64encode(b"benchmarks only, no secret here!").decode(),
            "SYNCFARM_TRUSTED_HOSTS": "127.0.0.1",
            "SYNCFARM_VAR": str(self.directory / "var"),
            "SYNCFARM_LOG_LEVEL": "WARNING",
            **({"SYNCFARM_DATABASE_CONNECTIONS": WORKER_POOL} if as_worker else {}),
        }

    @contextmanager
    def database(self) -> Iterator["Database"]:
        """A look from outside."""
        connection = psycopg2.connect(self.url)
        connection.autocommit = True
        try:
            yield Database(connection)
        finally:
            connection.close()

    def statements(self) -> StatementLog:
        """What PostgreSQL is asked; of a farm that logs statements."""
        return StatementLog(self.directory / "postgres" / "log")

    def postgres_cpu(self) -> float:
        """Seconds of all its processes."""
        return family_cpu(int((self.directory / "postgres" / "data" / "postmaster.pid").read_text().split()[0]))


class Database:
    """Questions to a farm's database that do not disturb it."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def mirrored(self) -> int:
        """Messages of all accounts."""
        return int(self.one("SELECT coalesce(sum(mirrored_count), 0) FROM mail_folder"))

    def size(self) -> int:
        """Bytes on disk, indexes included."""
        return int(self.one("SELECT pg_database_size(current_database())"))

    def connections(self, application: str) -> int:
        """How many a program has open that calls itself so."""
        return int(self.one("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", application))

    def rest(self) -> None:
        """Wait until PostgreSQL has written what it was given, and vacuums nothing. Raises RunFailed if it goes on."""
        with self._connection.cursor() as cursor:
            cursor.execute("CHECKPOINT")
        deadline = time.monotonic() + LONGEST_REST
        while self.one("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"):
            if time.monotonic() > deadline:
                raise RunFailed("PostgreSQL vacuums without end")
            time.sleep(0.2)

    def one(self, query: str, *values: str) -> Any:
        """The first column of the only row."""
        with self._connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchone()[0]
