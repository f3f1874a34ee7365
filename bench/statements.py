"""Counts what PostgreSQL was asked to do, in its own log: nothing that reaches the server can be missed there.

The server has to run with LOG_ALL.
"""

import re
from dataclasses import dataclass
from pathlib import Path

LOG_ALL = "log_statement=all"

_LINE = re.compile(r"^\S.*? LOG:  (?:statement|execute [^:]*):\s+(\w+)", re.MULTILINE)
_FRAME = frozenset({"BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "START"})


@dataclass(frozen=True, slots=True)
class Asked:
    """Statements of work, and those that only begin and end transactions."""

    statements: int
    frames: int


class StatementLog:
    """The log file of a server that tells every statement."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def mark(self) -> int:
        """Where the log ends now. A statement is written before it is carried out."""
        return self._path.stat().st_size

    def since(self, mark: int) -> Asked:
        """What was asked since then."""
        with self._path.open("rb") as log:
            log.seek(mark)
            words = _LINE.findall(log.read().decode(errors="replace"))
        frames = sum(word.upper() in _FRAME for word in words)
        return Asked(len(words) - frames, frames)
