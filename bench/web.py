"""The farm's own web process: the Procfile's command, one process, and who asks it."""

import http.client
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.processes import own_cpu
from bench.watching import RunFailed
from syncfarm.embedded import ports

ROOT = Path(__file__).resolve().parent.parent
SECONDS_TO_START = 60.0
TIMEOUT = 120.0


class Client:
    """One connection that is kept."""

    def __init__(self, port: int, key: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
        self._headers = {"Authorization": f"Bearer {key}"}

    def get(self, path: str) -> bytes:
        """The answer's body. Raises RunFailed unless it is a 200."""
        try:
            self._connection.request("GET", path, headers=self._headers)
            answer = self._connection.getresponse()
        except ConnectionError:  # uvicorn hangs up on who was silent for five seconds
            self._connection.close()
            self._connection.request("GET", path, headers=self._headers)
            answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RunFailed(f"GET {path} answers {answer.status}: {body[:300].decode(errors='replace')}")
        return body

    def timed(self, path: str) -> float:
        """Seconds until the whole answer is there."""
        started = time.perf_counter()
        self.get(path)
        return time.perf_counter() - started


class Web:
    """The process, answering. A context manager; leaving it stops it. `env`: a farm's."""

    def __init__(self, env: dict[str, str], log: Path) -> None:
        self.port = ports.choose(0)
        self._env = env | {
            "SYNCFARM_PORT": str(self.port),
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}",
        }
        self._log = log

    def __enter__(self) -> Self:
        (line,) = [line for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith("web:")]
        command = f"exec env {line.partition(':')[2].strip()}"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                ["sh", "-c", command], env=self._env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            self._wait()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    def cpu(self) -> float:
        """Seconds since its start."""
        return own_cpu(self._process.pid)

    def _wait(self) -> None:
        """Until it takes connections. Raises RunFailed."""
        deadline = time.monotonic() + SECONDS_TO_START
        while True:
            try:
                http.client.HTTPConnection("127.0.0.1", self.port, timeout=5).connect()
            except OSError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    said = self._log.read_text(errors="replace").strip().splitlines()[-3:]
                    raise RunFailed(f"the web process does not start: {' / '.join(said)}") from None
                time.sleep(0.05)
            else:
                return

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
