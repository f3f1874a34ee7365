"""The supervisor: restarts what dies, gives up on what cannot live, leaves nobody behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from syncfarm.embedded import child

ROOT = Path(__file__).parents[2]
RUN = """
import os, sys
from pathlib import Path
from syncfarm.supervisor import ProcessFailed, Supervisor
try:
    Supervisor(Path(sys.argv[1]), os.environ).run(lambda: None)
except ProcessFailed as error:
    sys.exit(str(error))
"""
Start = Callable[[str], "subprocess.Popen[str]"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a supervisor of these Procfile lines; they write their process ids into files of the directory."""
    started: list[subprocess.Popen[str]] = []

    def starter(procfile: str) -> "subprocess.Popen[str]":
        (tmp_path / "Procfile").write_text(procfile)
        supervisor = subprocess.Popen(
            [sys.executable, "-u", "-c", RUN, tmp_path / "Procfile"],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(supervisor)
        return supervisor

    yield starter
    for supervisor in started:
        supervisor.kill()
        supervisor.communicate()
    child.end(lambda: child.working_in(tmp_path), signal.SIGKILL, 0)


def pids(directory: Path, count: int) -> list[int]:
    """The process ids in the file `pids`, once there are so many."""
    deadline = time.monotonic() + 15
    while len(lines := (directory / "pids").read_text().split() if (directory / "pids").exists() else []) < count:
        assert time.monotonic() < deadline, f"{lines} instead of {count} processes"
        time.sleep(0.02)
    return [int(line) for line in lines]


def gone(pid: int) -> bool:
    """Wait until a process has ended."""
    child.end(lambda: [pid] if pid in child.marked("PYTHONPATH", str(ROOT)) else [], signal.SIGCONT, 10)
    return pid not in child.marked("PYTHONPATH", str(ROOT))


SLEEPER = "{name}: sh -c 'echo $$ >> pids; exec sleep 600'\n"


def test_a_process_that_is_killed_is_started_again(start: Start, tmp_path: Path) -> None:
    start(SLEEPER.format(name="one"))
    (first,) = pids(tmp_path, 1)
    os.kill(first, signal.SIGKILL)
    assert pids(tmp_path, 2)[1] != first


def test_a_process_that_cannot_live_ends_the_farm_by_name(start: Start) -> None:
    supervisor = start("one: sleep 600\nbroken: false\n")
    output, error = supervisor.communicate(timeout=30)
    assert supervisor.returncode == 1
    assert error == "broken ended 5 times within a minute, last with status 1.\n"
    assert "broken ended with status 1; starting it again" in output


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_of_them(start: Start, tmp_path: Path, sign: signal.Signals) -> None:
    supervisor = start(SLEEPER.format(name="one") + SLEEPER.format(name="two"))
    children = pids(tmp_path, 2)
    supervisor.send_signal(sign)
    supervisor.communicate(timeout=15)
    assert supervisor.returncode == 0
    assert all(gone(pid) for pid in children)


def test_children_go_with_a_supervisor_that_is_killed(start: Start, tmp_path: Path) -> None:
    supervisor = start(SLEEPER.format(name="one"))
    (one,) = pids(tmp_path, 1)
    supervisor.kill()
    assert gone(one)


def test_who_does_not_listen_is_killed_with_all_it_started(start: Start, tmp_path: Path) -> None:
    stubborn = 'sh -c \'trap "" TERM; echo $$ >> pids; sh -c "echo \\$\\$ >> pids; exec sleep 600"; sleep 600\''
    supervisor = start(f"stubborn: {stubborn}\n")
    children = pids(tmp_path, 2)
    supervisor.terminate()
    supervisor.communicate(timeout=30)
    assert all(gone(pid) for pid in children)


def test_lines_are_printed_with_the_name_of_their_process(start: Start) -> None:
    supervisor = start("one: sh -c 'echo hello; printf wor; sleep 0.2; echo ld; exec sleep 600'\n")
    assert supervisor.stdout is not None
    lines = [supervisor.stdout.readline().split("|") for _ in range(2)]
    assert [(name.split()[1], text) for name, text in lines] == [("one", " hello\n"), ("one", " world\n")]
