"""A whole farm of its own: started, asked over REST and SQL, and its processes known by what they do."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import psycopg2

from syncfarm.embedded import child
from syncfarm.env import VARIABLES
from syncfarm.farm import MARK

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 180.0
# What tells a process of the Procfile by its command line.
ROLES = {
    "worker-dispatch": "-Q dispatch", "worker-sync": "-Q sync", "worker-action": "-Q action", "beat": "syncfarm beat",
    "web": "uvicorn", "watch": "mail.watch",
}  # fmt: skip


class FarmFailed(Exception):
    """The farm does not start, or ended by itself; the text has its last words."""


class Unanswered(Exception):
    """The farm did not answer, or with an error of its own: ask again."""


class Farm:
    """Runs while the context lasts. Its directory stays, with its log."""

    def __init__(self, directory: Path, launcher: str = "syncfarm.farm") -> None:
        self._module = launcher
        self.directory = directory
        self.var = directory / "var"
        self.log = directory / "farm.log"
        self._env = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        self._env |= {"SYNCFARM_VAR": str(self.var), "SYNCFARM_TRUSTED_HOSTS": "127.0.0.1"}
        self._launcher: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", self._module]
            self._launcher = subprocess.Popen(command, cwd=ROOT, env=self._env, stdout=log, stderr=log)
        try:
            self._wait_until_it_answers()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """As an operator does; what is left after half a minute is killed."""
        if self._launcher is not None:
            self._launcher.terminate()
            try:
                self._launcher.wait(30)
            except subprocess.TimeoutExpired:
                self._launcher.kill()
        child.end(self._left, signal.SIGKILL, 0)

    def check(self) -> None:
        """Raises FarmFailed if the launcher has given up."""
        if self._launcher is not None and self._launcher.poll() is not None:
            last = self.log.read_text(errors="replace").strip().splitlines()[-3:]
            raise FarmFailed(f"The farm ended with status {self._launcher.returncode}: {' / '.join(last)}")

    @property
    def facts(self) -> dict[str, str]:
        """Where its services are."""
        return dict(json.loads((self.var / "farm.json").read_text()))

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """A command of manage.py."""
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self._env, capture_output=True, text=True, check=False)

    def processes(self, role: str) -> list[int]:
        """The process ids of a role: one of ROLES, "valkey" or "postgres"; of several the first is the master."""
        if role == "valkey":
            return child.working_in(self.var / "valkey")
        if role == "postgres":
            return self._postgres()
        mine = child.marked(MARK, str(self.var))
        return sorted(pid for pid in mine if ROLES[role] in _command_line(pid))

    def _left(self) -> list[int]:
        """Every process but the launcher. PostgreSQL's write their titles over their environment."""
        services = [*child.working_in(self.var / "postgres" / "data"), *child.working_in(self.var / "valkey")]
        return list({*child.marked(MARK, str(self.var)), *services})

    def _postgres(self) -> list[int]:
        """The postmaster alone."""
        data = self.var / "postgres" / "data"
        with contextlib.suppress(OSError, ValueError, IndexError):
            master = int((data / "postmaster.pid").read_text().split()[0])
            return [master] if master in child.working_in(data) else []
        return []

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What a query of its database gives. Raises psycopg2.Error."""
        connection = psycopg2.connect(self.facts["database_url"], connect_timeout=10)
        try:
            with connection, connection.cursor() as cursor:
                cursor.execute(query, values)
                return list(cursor.fetchall())
        finally:
            connection.close()

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            self.check()
            with contextlib.suppress(OSError, ValueError, Unanswered):
                Rest(self, "").ask("GET", "/healthz")
                return
            time.sleep(0.1)
        raise FarmFailed(f"The farm does not answer after {START_SECONDS:g} seconds; see {self.log}")


class Rest:
    """The API as one application calls it, over a connection that is kept. For one thread."""

    def __init__(self, farm: Farm, key: str) -> None:
        self._farm = farm
        self._key = key
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The answer's object. Raises Unanswered, also for errors 5xx, and ValueError for any other refusal."""
        status, content = self.said(method, path, body)
        if status >= 500:
            raise Unanswered(f"{method} {path}: {status} {content[:200]!r}")
        if status >= 400:
            raise ValueError(f"{method} {path}: {status} {content[:500]!r}")
        return json.loads(content)

    def said(self, method: str, path: str, body: object = None, **more: str) -> tuple[int, bytes]:
        """The answer's status and content, whatever they are; `more`: headers. Raises Unanswered if there is none."""
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json", **more}
        try:
            return self._answer(method, path, None if body is None else json.dumps(body), headers)
        except (OSError, ValueError, http.client.HTTPException) as error:
            self._connection = None
            raise Unanswered(f"{method} {path}: {error!r}") from error

    def ask_until_answered(self, path: str) -> Any:
        """GET, again and again for a minute: the web process may have been killed, or have dropped an idle connection.
        Raises Unanswered."""
        until = time.monotonic() + 60
        while True:
            try:
                return self.ask("GET", path)
            except Unanswered:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def _answer(self, method: str, path: str, sent: str | None, headers: dict[str, str]) -> tuple[int, bytes]:
        if self._connection is None:
            address = urlsplit(self._farm.facts["local_url"])
            self._connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)
        self._connection.request(method, path, sent, headers)
        response = self._connection.getresponse()
        return response.status, response.read()


def _command_line(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""
