"""A worker's process that dies at a step, as far as one test process can have it: from then on nothing it does reaches
the database, and its server hears no more of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.db import connections


class Killed(BaseException):
    """kill -9."""


@dataclass(frozen=True, slots=True)
class Death:
    """When: before the n-th `statement` or `commit` of the turn, or after the n-th, `committed` (from 0), or when the
    server has the n-th `command`, or has carried it out, `answered`."""

    step: str
    after: int


STEPS = ("statement", "commit", "committed", "command", "answered")


class Worker:
    """The process. `step` is to be told of commands; what concerns the database it notices itself."""

    def __init__(self, death: Death | None) -> None:
        self.dead = False
        self._death = death
        self._left = death.after if death else 0

    @contextmanager
    def alive(self) -> Iterator[None]:
        """The block is the process's life. Swallows what comes out of it once it is dead."""
        real: Any = connections["default"]  # with the methods that its type keeps to itself
        commit = real._commit
        real._commit = lambda: self._commits(commit)
        try:
            with real.execute_wrapper(self._states):
                yield
        except BaseException:
            if not self.dead:
                raise
        finally:
            del real._commit
            if self.dead:
                real.close()

    def step(self, kind: str) -> None:
        """Dies at its step; raises Killed then and ever after."""
        if self._death is not None and kind == self._death.step:
            self.dead |= self._left == 0
            self._left -= 1
        if self.dead:
            raise Killed

    def _states(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        self.step("statement")
        return execute(*arguments)

    def _commits(self, commit: Callable[[], None]) -> None:
        try:
            self.step("commit")
        except Killed:
            rollback: Callable[[], None] = connections["default"].connection.rollback
            rollback()  # as the database does for who is gone
            raise
        commit()
        self.step("committed")
