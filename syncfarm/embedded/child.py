"""Child processes that never outlive the farm, and how to find those that did."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

_LINUX = sys.platform.startswith("linux")
_libc = ctypes.CDLL(None) if _LINUX else None
_PR_SET_PDEATHSIG = 1


def spawn(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    output: IO[bytes] | int,
    env: Mapping[str, str] | None = None,
    at_parents_death: signal.Signals = signal.SIGTERM,
) -> "subprocess.Popen[bytes]":
    """Start a process in a session of its own, so that a terminal's Ctrl-C reaches the launcher alone.

    On Linux it gets `at_parents_death` when the thread that called this dies, also by kill -9: call it from
    the main thread.
    """
    parent = os.getpid()

    return subprocess.Popen(  # noqa: S603 -- commands are ours
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        preexec_fn=lambda: bound_to(parent, at_parents_death),  # noqa: PLW1509 -- only two system calls, made before other threads exist
    )


def bound_to(parent: int, sign: signal.Signals) -> None:
    """In a child that was just forked: have it get a signal when its parent dies."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(sign))
        if os.getppid() != parent:  # it died before the line above
            os._exit(1)


def stop(process: "subprocess.Popen[bytes]", sign: signal.Signals, seconds: float) -> None:
    """Ask a child to end and see that it does, by force after `seconds`."""
    if process.poll() is None:
        process.send_signal(sign)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            kill_group(process)


def kill_group(process: "subprocess.Popen[bytes]") -> None:
    """Kill a child and all that it started, also after it ended itself."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def working_in(directory: Path) -> list[int]:
    """Processes whose working directory this is. Empty where the system does not tell (only Linux does)."""
    return _matching(lambda process: (process / "cwd").readlink() == directory)


def marked(name: str, value: str) -> list[int]:
    """Processes that were started with this environment variable, the caller's own left out."""
    wanted = f"{name}={value}".encode()
    return _matching(lambda process: wanted in (process / "environ").read_bytes().split(b"\0"))


def _matching(test: Callable[[Path], bool]) -> list[int]:
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if int(process.name) != os.getpid() and test(process):
                found.append(int(process.name))
        except OSError:
            continue  # gone meanwhile, or another user's
    return found


def end(pids: Callable[[], list[int]], sign: signal.Signals, seconds: float) -> None:
    """End processes that are not our children: politely, after `seconds` by force."""
    deadline = time.monotonic() + seconds
    asked: set[int] = set()
    while alive := [pid for pid in pids() if not _zombie(pid)]:
        late = time.monotonic() > deadline
        for pid in alive if late else set(alive) - asked:
            with contextlib.suppress(ProcessLookupError):  # it went by itself
                os.kill(pid, signal.SIGKILL if late else sign)
        asked.update(alive)
        time.sleep(0.05)


def _zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
