"""How far a run is: operations are spread over its time, so that kills and syncs fall between them."""

import threading
import time
from collections import Counter

_LAP = 0.92  # of the time: what is refused or slow has the rest


class Pace:
    """Shared by all clients. Over once `operations` were done or `seconds` are up, or when it is stopped."""

    def __init__(self, operations: int, seconds: float) -> None:
        self.done: Counter[str] = Counter()
        self.refused = 0
        self._operations = operations
        self._seconds = seconds
        self._given = 0
        self._lock = threading.Lock()
        self.over = threading.Event()
        self.began = time.monotonic()

    def turn(self) -> bool:
        """Wait until the next operation is due. False: the run is over."""
        with self._lock:
            due = self.began + self._given * self._seconds * _LAP / self._operations
            self._given += 1
        self.over.wait(max(0.0, due - time.monotonic()))
        return not self.is_over()

    def count(self, kind: str) -> None:
        """An operation was done."""
        with self._lock:
            self.done[kind] += 1

    def refuse(self) -> None:
        """The server refused one: another client was first. It counts for nothing."""
        with self._lock:
            self.refused += 1
            self._given -= 1

    def progress(self) -> float:
        """The share of operations done, or of the time, whichever is more."""
        return max(self.done.total() / self._operations, self.seconds() / self._seconds)

    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.began

    def is_over(self) -> bool:
        """Whether nobody is to do anything more."""
        return self.over.is_set() or self.progress() >= 1

    def stop(self) -> None:
        """End it now."""
        self.over.set()
