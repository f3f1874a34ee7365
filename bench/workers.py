"""The farm's own sync workers: the Procfile's command, several times, and what they take."""

import os
import shlex
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil  # type: ignore[import-untyped]  # it brings no types

from bench.farm import Farm
from bench.processes import own_cpu, peak_memory
from bench.watching import RunFailed

ROOT = Path(__file__).resolve().parent.parent
SECONDS_TO_STOP = 30.0
LOOK = 0.1  # seconds between two looks at what they hold


class Workers:
    """As many processes as asked for, ready. A context manager; leaving it stops them."""

    def __init__(self, farm: Farm, count: int, mail_port: int) -> None:
        """`mail_port`: the server's, where their sessions are counted."""
        self._farm = farm
        self._count = count
        self._mail_port = mail_port
        self._processes: list[subprocess.Popen[bytes]] = []
        self._done = threading.Event()
        self._observer = threading.Thread(target=self._observe, name="observer", daemon=True)
        self.connections = 0  # to the database, at most, of the worker that held most
        self.sessions = 0  # with the mail server, at most, of all workers together

    def __enter__(self) -> Self:
        try:
            for number in range(self._count):
                self._processes.append(self._start(number))
            self._farm.step("answering", str(self._count), tick=self.check)
        except BaseException:
            self._stop()
            raise
        self._observer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._observer.join()
        self._stop()

    def check(self) -> None:
        """Raises RunFailed if one has ended."""
        for number, process in enumerate(self._processes):
            if process.poll() is not None:
                said = self._log(number).read_text(errors="replace").strip().splitlines()[-3:]
                raise RunFailed(f"a worker ended with status {process.returncode}: {' / '.join(said)}")

    def peak_memory(self) -> int:
        """Bytes, of the largest."""
        return max(peak_memory(process.pid) for process in self._processes)

    def cpu(self) -> float:
        """Seconds of all since their start."""
        return sum(own_cpu(process.pid) for process in self._processes)

    def _start(self, number: int) -> "subprocess.Popen[bytes]":
        (line,) = [line for line in (ROOT / "Procfile").read_text().splitlines() if line.startswith("worker-sync:")]
        name = f"bench{number}"
        # The last -n counts: two workers of a machine need two names.
        command = f"exec env {line.partition(':')[2].strip()} -n {shlex.quote(name)}@%h"
        env = self._farm.environment()
        env |= {
            "DATABASE_URL": f"{self._farm.url}?application_name={name}",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', os.defpath)}",
            "SYNCFARM_LOG_LEVEL": "INFO",
        }
        with self._log(number).open("wb") as log:
            return subprocess.Popen(["sh", "-c", command], env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

    def _observe(self) -> None:
        with self._farm.database() as database:
            while not self._done.wait(LOOK):
                held = [database.connections(f"bench{number}") for number in range(self._count)]
                self.connections = max(self.connections, *held)
                self.sessions = max(self.sessions, self._sessions())

    def _sessions(self) -> int:
        """Connections to the mail server. A look costs a millisecond or two for a hundred of them."""
        connections = (each for process in self._processes for each in psutil.Process(process.pid).net_connections())
        return sum(bool(each.raddr) and each.raddr.port == self._mail_port for each in connections)

    def _stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            try:
                process.wait(SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _log(self, number: int) -> Path:
        return self._farm.directory / f"worker{number}.log"
