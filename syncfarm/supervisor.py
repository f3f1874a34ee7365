"""Runs the Procfile's processes in the foreground: prefixed logs, restarts, and nobody left behind.

A process that dies is started again, as systemd would do it: one worker killed for its memory must not stop everybody's
mail. One that dies over and over cannot work at all; then the farm stops and says so.
"""

import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO

from honcho.colour import get_colours
from honcho.environ import parse_procfile
from honcho.printer import Message, Printer

from syncfarm.embedded import child

STOP_SECONDS = 8.0
DEATHS = 5  # so many within DEATHS_SECONDS, and a process is given up
DEATHS_SECONDS = 60.0


class ProcessFailed(Exception):
    """A process dies as often as it is started; the text names it."""


@dataclass(slots=True)
class _Entry:
    """A line of the Procfile and its process."""

    name: str
    command: str
    colour: str
    process: "subprocess.Popen[bytes] | None" = None
    rest: bytes = b""  # of a line still being written
    deaths: "deque[float]" = field(default_factory=lambda: deque(maxlen=DEATHS))


class Supervisor:
    """Starts processes, prints what they say, restarts those that die. Use it from the main thread."""

    def __init__(self, procfile: Path, env: Mapping[str, str], output: IO[str] = sys.stdout) -> None:
        colours: Iterator[str] = get_colours()
        lines = parse_procfile(procfile.read_text()).processes
        self._entries = [_Entry(name, command, next(colours)) for name, command in lines.items()]
        self._cwd = procfile.parent
        self._env = dict(env)
        self._printer = Printer(output, width=max(len(entry.name) for entry in self._entries))
        self._selector = selectors.DefaultSelector()
        self._stopping = False

    def run(self, on_tick: Callable[[], None]) -> None:
        """Run until SIGINT or SIGTERM; `on_tick` is called several times a second. Raises ProcessFailed.

        Whatever happens, no process is left when this returns.
        """
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sign, self._ask_to_stop)
        try:
            for entry in self._entries:
                self._start(entry)
            while not self._stopping:
                self._print_output(0.2)
                self._restart_the_dead()
                on_tick()
        finally:
            self._stop_all()

    def say(self, text: str) -> None:
        """Print a line of the farm's own."""
        self._print("farm", "", text)

    def _ask_to_stop(self, _number: int, _frame: object) -> None:
        self._stopping = True

    def _start(self, entry: _Entry) -> None:
        # The shell fills in ${…}, then makes way for the process itself, so that signals reach it.
        command = ["/bin/sh", "-c", f"exec env {entry.command}"]
        entry.process = child.spawn(
            command,
            cwd=self._cwd,
            env=self._env,
            output=subprocess.PIPE,
            # With the launcher the broker goes too, and a Celery worker that lost it can hang in a gentle shutdown.
            at_parents_death=signal.SIGKILL,
        )
        assert entry.process.stdout is not None
        self._selector.register(entry.process.stdout, selectors.EVENT_READ, entry)

    def _print_output(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            entry: _Entry = key.data
            data = key.fileobj.read1(65536)  # type: ignore[union-attr] # a pipe's buffered reader
            if not data:
                self._selector.unregister(key.fileobj)
            *lines, entry.rest = (entry.rest + data).split(b"\n")
            for line in lines:
                self._print(entry.name, entry.colour, line.decode(errors="replace"))

    def _print(self, name: str, colour: str, text: str) -> None:
        self._printer.write(Message("line", text, datetime.now().astimezone(), name, colour or None))

    def _restart_the_dead(self) -> None:
        for entry in self._entries:
            if entry.process is None or entry.process.poll() is None:
                continue
            entry.deaths.append(now := time.monotonic())
            status = entry.process.returncode
            if len(entry.deaths) == DEATHS and now - entry.deaths[0] < DEATHS_SECONDS:
                raise ProcessFailed(f"{entry.name} ended {DEATHS} times within a minute, last with status {status}.")
            child.kill_group(entry.process)  # a pool's processes without their master
            self.say(f"{entry.name} ended with status {status}; starting it again")
            self._start(entry)

    def _stop_all(self) -> None:
        processes = [entry.process for entry in self._entries if entry.process is not None]
        deadline = time.monotonic() + STOP_SECONDS
        for process in processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        while time.monotonic() < deadline and any(process.poll() is None for process in processes):
            self._print_output(0.1)
        for process in processes:
            child.kill_group(process)
