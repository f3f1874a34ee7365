"""A short fuzzing of each target, and what longer ones found; `python -m bench.fuzz` fuzzes for an hour."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bench.fuzz.catalogue import TARGETS
from bench.fuzz.targets import examine

ROOT = Path(__file__).resolve().parents[2]
RUNS = {"fetch": 3_000, "mime": 1_000}  # some seconds

FOUND = {
    "a line with two UIDs": (
        "fetch",
        b'* 7 FETCH (UID 4230334865 UID 12 INTERNALDATE "17-Jul-1996 02:44:25 -0700" BODY[] {1}\r\nx)\r\n',
    ),
    "two UIDs behind the literal": ("fetch", b"* 7 FETCH (BODY[] {1}\r\nx UID 4 UID 12)\r\n"),
    "a backslash that escapes nothing": ("fetch", b'* 7 FETCH (UID 12 X-GM-LABELS (\\Inbox "a \\b"))\r\n'),
}


@pytest.mark.parametrize("name", FOUND)
def test_what_fuzzing_found_is_read_well(name: str) -> None:
    target, octets = FOUND[name]
    assert examine(TARGETS[target], octets).faults == ()


@pytest.mark.parametrize("name", TARGETS)
def test_what_fuzzing_begins_with_is_read_well(name: str) -> None:
    assert [octets for octets in TARGETS[name].seeds() if examine(TARGETS[name], octets).faults] == []


def test_an_exception_and_an_input_that_needs_too_much_are_faults() -> None:
    def faults(octets: bytes) -> Iterator[str]:
        yield f"too much: {len(octets)}"
        raise ValueError("no")

    verdict = examine(replace(TARGETS["mime"], faults=faults), b"x")

    assert verdict.faults == ("too much: 1", "ValueError (none of our own code): no")


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None,
    reason="fuzzing needs atheris, which has wheels for Linux on x86_64 alone",
)
@pytest.mark.parametrize("name", TARGETS)
def test_a_short_fuzzing_finds_nothing(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bench.fuzz", name, "--quick", "--seed", "1", "--runs", str(RUNS[name])],
        cwd=ROOT,
        env=os.environ | {"SYNCFARM_VAR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert f" {RUNS[name]:,} executions" in done.stdout
    assert "0 findings stand" in done.stdout


@pytest.mark.skipif(importlib.util.find_spec("atheris") is None, reason="as above")
def test_a_fuzzing_that_is_ended_ends_its_worker(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bench.fuzz", "mime", "--quick"],
        cwd=ROOT,
        env=os.environ | {"SYNCFARM_VAR": str(tmp_path)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as fuzzing:
        assert fuzzing.stderr is not None
        assert "executions" in fuzzing.stderr.readline()
        workers = children(fuzzing.pid)
        fuzzing.terminate()
        assert fuzzing.wait(timeout=20) == 143
    assert workers
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
