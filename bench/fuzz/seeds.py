"""The inputs that fuzzing begins with, as files."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

from bench.fuzz.targets import Target
from tests import corpus


def write(target: Target, directory: Path, *, real: bool) -> str:
    """Put the seeds of a target into `directory`/seeds; what they are, in words."""
    folder = directory / "seeds"
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    count = _save(target.seeds(), folder)
    if not real:
        return f"{count} seeds of the tests"
    if not corpus.ARCHIVE.exists():
        return f"{count} seeds of the tests; none of real mail, for the corpus is not at {corpus.ARCHIVE}"
    return f"{count} seeds of the tests, {_save(target.real(), folder)} of real mail"


def _save(inputs: Iterator[bytes], folder: Path) -> int:
    count = 0
    for octets in inputs:
        (folder / hashlib.sha256(octets).hexdigest()[:16]).write_bytes(octets)
        count += 1
    return count


def kept(directory: Path) -> Iterator[bytes]:
    """The seeds that write() wrote."""
    return (path.read_bytes() for path in sorted((directory / "seeds").iterdir()))
