"""The moments at which a kill hurts most, told by the servers to the killers."""

import threading


class Moments:
    """Servers announce where a worker's conversation is; whoever waits hears of the next one."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._count: dict[str, int] = {}
        self._last: dict[str, str] = {}

    def announce(self, queue: str, what: str) -> None:
        """A worker of this queue is at this point now, and stays there for a moment."""
        with self._changed:
            self._count[queue] = self._count.get(queue, 0) + 1
            self._last[queue] = what
            self._changed.notify_all()

    def wait(self, queue: str, seconds: float) -> str:
        """The next point at which a worker of this queue is; "" if there is none in that time."""
        with self._changed:
            before = self._count.get(queue, 0)
            if self._changed.wait_for(lambda: self._count.get(queue, 0) != before, seconds):
                return self._last[queue]
        return ""
