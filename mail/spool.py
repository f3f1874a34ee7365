"""Octets that are too many for memory: written to a temporary file without a name, then read where they lie.

The file is gone with the last who refers to it, or with the process. Its place is the usual TMPDIR.
"""

import hashlib
import mmap
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from mail.types import NoRoom, Octets

STRETCH = 1024 * 1024  # octets looked at together


class Spool:
    """A file that is written from its beginning to its end, and then read. A context manager; leaving it closes the
    file, which what `octets` gave outlives. All of it raises NoRoom."""

    def __init__(self) -> None:
        with _words():
            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115 -- as long as this object
        self.size = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def write(self, octets: bytes) -> None:
        """Add octets."""
        with _words():
            left = memoryview(octets)
            while left:
                left = left[self._file.write(left) :]
        self.size += len(octets)

    def octets(self) -> Octets:
        """What was written, in its file."""
        if not self.size:
            return b""
        with _words():
            return mmap.mmap(self._file.fileno(), 0, prot=mmap.PROT_READ)


def let_go(octets: Octets) -> None:
    """Keep nothing in memory of what was read of a file; it is read again where it is asked for again."""
    if isinstance(octets, mmap.mmap):
        octets.madvise(mmap.MADV_DONTNEED)


def digest(octets: Octets, more: bytes = b"") -> bytes:
    """SHA-256 of a message as the server gave it, and of `more` behind it."""
    found = hashlib.sha256()
    for stretch in stretches(octets):
        found.update(stretch)
    found.update(more)
    return found.digest()


def begins_with(octets: Octets, beginning: Octets) -> bool:
    """Whether the first octets are these."""
    at = 0
    for stretch in stretches(beginning):
        if octets[at : at + len(stretch)] != stretch:
            return False
        at += len(stretch)
        let_go(octets)
    return True


def stretches(octets: Octets, size: int = STRETCH) -> Iterator[bytes]:
    """All of them, cut; in memory is one stretch at a time."""
    for at in range(0, len(octets), size):
        yield octets[at : at + size]
        let_go(octets)


@contextmanager
def _words() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise NoRoom(f"No temporary file can be written: {error.strerror or error}") from error
