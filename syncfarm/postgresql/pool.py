"""A bounded pool of psycopg2 connections, shared by the threads or greenlets of a process."""

import select
import threading
import weakref
from collections.abc import Callable
from typing import Any

from psycopg2 import Error, OperationalError
from psycopg2.extensions import TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_UNKNOWN

# Longer than any transaction of the product; who waits so long meets a connection that is never given back.
WAIT_SECONDS = 60.0


class Pool:
    """At most `bound` connections are out at once; those given back are handed out again."""

    def __init__(self, bound: int) -> None:
        # Under gevent's monkey patching these are locks of greenlets, as threads are greenlets there.
        self._slots = threading.BoundedSemaphore(bound)
        self._idle: list[Any] = []  # append and pop are atomic; last in, first out keeps the warm ones busy
        self._taken: dict[int, Any] = {}  # id of a connection -> the finalizer that holds its slot

    def take(self, connect: Callable[[], Any], wait: float = WAIT_SECONDS) -> Any:
        """A connection of the caller's own, opened with `connect` if none is idle.

        Raises psycopg2.OperationalError when none became free within `wait` seconds, and what `connect` raises.
        """
        if not self._slots.acquire(timeout=wait):
            raise OperationalError(f"No database connection became free within {wait:.0f} seconds.")
        try:
            connection = self._pop() or connect()
        except BaseException:
            self._slots.release()
            raise
        # A greenlet that dies without closing loses its connection to the garbage collector: the slot returns then.
        self._taken[id(connection)] = weakref.finalize(connection, self._release, id(connection))
        return connection

    def give(self, connection: Any) -> None:
        """Return a connection, whatever state it is in; a transaction still open is rolled back."""
        slot = self._taken.get(id(connection))
        if slot is None or not slot.detach():
            connection.close()  # not of this pool, or given already
            return
        if _usable(connection):
            self._idle.append(connection)
        else:
            connection.close()
        self._release(id(connection))

    def _pop(self) -> Any:
        while self._idle:
            connection = self._idle.pop()
            if not connection.closed and not _readable(connection):
                return connection
            connection.close()
        return None

    def _release(self, key: int) -> None:
        self._taken.pop(key, None)
        self._slots.release()


def _readable(connection: Any) -> bool:
    """Whether the server speaks without being asked: it closed the connection, or has bad news."""
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _usable(connection: Any) -> bool:
    if connection.closed:
        return False
    try:
        status = connection.get_transaction_status()
        if status not in {TRANSACTION_STATUS_IDLE, TRANSACTION_STATUS_UNKNOWN}:
            connection.rollback()
    except Error:
        return False
    return bool(status != TRANSACTION_STATUS_UNKNOWN)
