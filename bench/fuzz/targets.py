"""What a target is: where inputs come from, and what must hold of each."""

import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SECONDS, MEGABYTES = 1.0, 200  # that one input may take


@dataclass(frozen=True, slots=True)
class Target:
    """`faults` yields what is wrong with the reading of an input ("kind: details"), or raises it."""

    name: str
    largest: int  # bytes of an input
    faults: Callable[[bytes], Iterator[str]]
    seeds: Callable[[], Iterator[bytes]]  # from the tests
    real: Callable[[], Iterator[bytes]]  # from the corpus of real mail
    pieces: Callable[[Iterator[bytes]], list[bytes]]  # of seeds: what a mutation splices in


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one input did. `megabytes`: how far it raised the most that this process ever held."""

    faults: tuple[str, ...]
    seconds: float
    megabytes: float


def examine(target: Target, octets: bytes) -> Verdict:
    """Have the target read an input. Nothing is raised: an exception is a fault."""
    before, started = peak(), time.process_time()
    found: list[str] = []
    try:
        found.extend(target.faults(octets))
    except Exception as error:  # noqa: BLE001 -- which is what is looked for
        found.append(f"{type(error).__name__} ({_place(error)}): {error}")
    took, grown = time.process_time() - started, peak() - before
    if took > SECONDS:
        found.append(f"takes: {took:.1f} s")
    if grown > MEGABYTES:
        found.append(f"needs: {grown:.0f} MB")
    return Verdict(tuple(found), took, grown)


def _place(error: Exception) -> str:
    """Where it was raised: the last frame of our own code."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/mail/" in frame.filename]
    return f"{frames[-1].filename.rpartition('/mail/')[2]}:{frames[-1].lineno}" if frames else "none of our own code"


def peak() -> float:
    """Megabytes that this process held at most so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1_024 * (1_024 if sys.platform == "darwin" else 1))
