"""The process that fuzzes: `python -m bench.fuzz.worker TARGET DIRECTORY [libFuzzer's options]`; run.py starts it.

Findings are saved and fuzzing goes on: one fault that is met often must not end the hour.
"""

import hashlib
import sys
from collections import Counter
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["mail.imap", "mail.mime"]):  # their branches are what is covered
    from bench.fuzz import mutation, seeds
    from bench.fuzz.catalogue import TARGETS
from bench.fuzz.targets import Target, examine

ALIKE = 5  # inputs kept of one kind of fault


class Watcher:
    """Examines each input; saves those with a new fault, and the slowest."""

    def __init__(self, target: Target, directory: Path) -> None:
        self.target, self.directory = target, directory
        self.seen: Counter[str] = Counter()
        self.slowest = 0.0

    def __call__(self, octets: bytes) -> None:
        """One input."""
        verdict = examine(self.target, octets)
        if verdict.seconds > self.slowest:
            self.slowest = verdict.seconds
            (self.directory / "slowest").write_bytes(octets)
        for fault in verdict.faults:
            self.found(fault, octets)

    def found(self, fault: str, octets: bytes) -> None:
        """Save an input unless there are some with that fault."""
        kind = fault.partition(":")[0]
        self.seen[kind] += 1
        if self.seen[kind] <= ALIKE:
            name = hashlib.sha256(octets).hexdigest()[:16]
            (self.directory / "findings" / name).write_bytes(octets)
            print(f"FOUND {name} {fault}", file=sys.stderr, flush=True)


def main(name: str, directory: str, *options: str) -> None:
    """Fuzz until libFuzzer ends the process."""
    target, place = TARGETS[name], Path(directory)
    mutated = mutation.mutator(target.pieces(seeds.kept(place)), _blind)
    folders = [str(place / folder) for folder in ("corpus", "seeds")]
    atheris.Setup([sys.argv[0], *folders, *options], Watcher(target, place), custom_mutator=mutated)
    atheris.Fuzz()


def _blind(octets: bytes, largest: int) -> bytes:
    """libFuzzer's own mutations. Looked up late: atheris puts another function there when fuzzing begins."""
    return bytes(atheris.Mutate(octets, largest))


if __name__ == "__main__":
    main(*sys.argv[1:])
