"""Runs one process to its end and tells what it cost."""

import os
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.processes import peak_memory

LOOKS = 0.05  # seconds between two looks at the process; a look costs some 50 µs
TELLS = 20  # looks between two reports of progress


class RunFailed(Exception):
    """A measured process failed; the text says how."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process took from start to end: seconds of wall clock and of CPU, bytes of memory at its peak."""

    wall: float
    cpu: float
    memory: int


def run(command: Sequence[str], env: Mapping[str, str], log: Path, tick: Callable[[], None]) -> Cost:
    """Run a command to its end, its output to `log`. `tick` is called about once a second. Raises RunFailed."""
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        cpu, memory, status = _wait(process.pid, tick)
    except BaseException:
        process.kill()
        process.wait()
        raise
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)  # it is reaped already
    if process.returncode:
        last = log.read_text(errors="replace").strip().splitlines()[-3:]
        raise RunFailed(f"{Path(command[0]).name} ended with status {process.returncode}: {' / '.join(last)}")
    return Cost(wall, cpu, memory)


def _wait(pid: int, tick: Callable[[], None]) -> tuple[float, int, int]:
    """CPU seconds, peak memory and exit status."""
    looks = memory = 0
    while True:
        memory = max(memory, peak_memory(pid))  # before wait4: a process that was waited for is gone
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            return usage.ru_utime + usage.ru_stime, memory, status
        looks += 1
        if looks % TELLS == 0:
            tick()
        time.sleep(LOOKS)
