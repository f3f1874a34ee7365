"""What a process takes, for tests that bound it."""

import re
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(slots=True)
class Peak:
    """`more`: bytes of memory at the most beyond what was held at the beginning."""

    more: int = 0


@contextmanager
def peak(process: int | str = "self") -> Iterator[Peak]:
    """The memory that this process, or another one, takes within."""
    measured, proc = Peak(), Path("/proc") / str(process)
    before = _held(proc, "VmRSS")
    (proc / "clear_refs").write_text("5")  # the kernel counts the peak from now on
    yield measured
    measured.more = _held(proc, "VmHWM") - before


def _held(proc: Path, figure: str) -> int:
    match = re.search(rf"{figure}:\s+(\d+) kB", (proc / "status").read_text())
    assert match
    return int(match[1]) * 1024


@contextmanager
def files_of_at_most(octets: int) -> Iterator[None]:
    """As on a full disk: a file of this process that gets larger cannot be written."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
