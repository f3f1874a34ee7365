"""Single turns of a worker, each counted on all sides: CPU, statements, connections, round trips, octets."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Self

from bench.relay import CountingRelay
from bench.statements import StatementLog
from bench.watching import RunFailed


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn took. `wall` and `cpu` in seconds; `frames`: BEGIN, COMMIT and their like."""

    wall: float
    cpu: float
    statements: float
    frames: float
    connections: float
    round_trips: float
    octets: float


class Turns:
    """A worker's process that waits for its next turn. A context manager. The accounts' way to their server leads
    through `relay`; `env` is a worker's."""

    def __init__(self, env: Mapping[str, str], relay: CountingRelay, log: StatementLog, errors: Path) -> None:
        self._env = env
        self._relay = relay
        self._log = log
        self._errors = errors

    def __enter__(self) -> Self:
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.turning"],
                env=self._env,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def make(self, account: str) -> Turn:
        """One turn. Raises RunFailed."""
        self._ask(account)
        traffic, mark = self._relay.traffic(), self._log.mark()
        told = json.loads(self._ask("go"))
        if told["failed"] or told["more"]:
            raise RunFailed(f"a turn left something undone: {told['failed'] or 'more mail to copy'}")
        moved, asked = self._relay.settle() - traffic, self._log.since(mark)
        return Turn(
            told["wall"],
            told["cpu"],
            asked.statements,
            asked.frames,
            moved.connections,
            moved.round_trips,
            moved.octets,
        )

    def _ask(self, line: str) -> str:
        """Say a line and hear the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            last = self._errors.read_text(errors="replace").strip().splitlines()[-3:]
            raise RunFailed(f"the worker ended: {' / '.join(last)}")
        return answer


def middle(turns: Sequence[Turn]) -> Turn:
    """The median of each figure."""
    return Turn(*(median(getattr(turn, name) for turn in turns) for name in Turn.__slots__))
