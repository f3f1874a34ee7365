"""Chances for others of the process, in the midst of work that waits for nothing."""

import time

import gevent
from gevent import monkey

_EVERY = 0.0004  # seconds: a statement of the batch before takes about as long
_AT_ONCE = 1e-6
_LAST = -2  # of all that is ready, which sleep() would come before: a writer waited twice as long at each statement


class Breath:
    """Of one greenlet. Threads of the system need none: they are interrupted."""

    def __init__(self) -> None:
        self._greenlets = monkey.is_module_patched("threading")
        self._last = time.perf_counter()

    def take(self) -> None:
        """Let all run who can, if the last time was a while ago."""
        if not self._greenlets or time.perf_counter() - self._last < _EVERY:
            return
        hub = gevent.get_hub()
        # A timer, for gevent looks at sockets only after fifty that slept for nothing.
        hub.wait(hub.loop.timer(_AT_ONCE, priority=_LAST))
        self._last = time.perf_counter()
