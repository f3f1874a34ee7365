"""Ends a connection that lasts too long: a server that sends an octet now and then never runs into a read's timeout.

The blocked read belongs to somebody else, so the socket is shut down under it, from a thread (under gevent a greenlet).
"""

import contextlib
import io
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mail.types import ConnectionFailed

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# A session may wait so long for its server, and longer for what comes at this rate: 100 MB may take three hours.
PATIENCE = 900.0  # seconds, all commands together
RATE = 10_000  # octets a second

_LOOK = 2.0  # seconds between two looks at a session that is getting ahead


class Watch:
    """The time that one connection has left. Make it before connecting, `guard` the socket, and `end` it."""

    def __init__(self, host: str, seconds: float) -> None:
        """`seconds`: for everything, until `allow` or `pace` says otherwise."""
        self.received = 0  # octets
        self.blocked = 0.0  # seconds in which nothing had come that could be read
        self._host = host
        self._reason = ""
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._ended = threading.Event()
        self._waited = 0.0
        self._waits_since: float | None = None
        self.allow(seconds)

    def guard(self, sock: socket.socket) -> None:
        """Watch a connected socket, before TLS: the watch holds a copy, which stays the same through any handshake."""
        with self._lock:
            self._socket = sock.dup()
        if self._reason:
            self.cut(self._reason)
        threading.Thread(target=self._look, name=f"watch {self._host}", daemon=True).start()

    def allow(self, seconds: float) -> None:
        """All that follows must be over in so many seconds."""
        self._seconds = seconds
        self._until: float | None = time.monotonic() + seconds

    def pace(self) -> None:
        """From now on only what is waited for counts, and what has come is time earned."""
        self._until = None

    @contextmanager
    def waiting(self) -> Iterator[None]:
        """The block waits for the server. A ConnectionFailed out of it tells why the connection was cut, if it was."""
        self._waits_since = time.monotonic()
        try:
            yield
        except ConnectionFailed as error:
            if self._reason:
                raise ConnectionFailed(self._reason) from error
            raise
        finally:
            self._waited, self._waits_since = self._waiting_time(), None

    def cut(self, reason: str) -> None:
        """Shut the socket down, whoever reads from it. May be called from any thread, more than once."""
        with self._lock:
            self._reason = self._reason or reason
            if self._socket is not None:
                with contextlib.suppress(OSError):  # it may be gone by now
                    self._socket.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Let go of the socket."""
        self._ended.set()
        with self._lock:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def _look(self) -> None:
        while not self._ended.wait(min(max(self._left(), 0.0), _LOOK)):
            if self._left() <= 0:
                self.cut(self._complaint())
                return

    def _left(self) -> float:
        if self._until is not None:
            return self._until - time.monotonic()
        return PATIENCE + self.received / RATE - self._waiting_time()

    def _waiting_time(self) -> float:
        since = self._waits_since
        return self._waited + (time.monotonic() - since if since is not None else 0.0)

    def _complaint(self) -> str:
        if self._until is not None:
            return f"{self._host} did not finish in {self._seconds:g} seconds."
        return f"{self._host} is too slow: {self.received:,} octets in {self._waiting_time():,.0f} seconds."


class Meter:
    """How fast the link is, over all that was `measured`: octets, and the seconds in which nothing had come that could
    be read, of how many. `busy`: CPU that the process spent meanwhile, on whatever; who has much to do reads late."""

    def __init__(self, watch: Watch) -> None:
        self.octets = 0
        self.blocked = self.seconds = self.busy = 0.0
        self._watch = watch

    @property
    def rate(self) -> float:
        """Octets a second while they were waited for."""
        return self.octets / self.blocked if self.blocked else float("inf")

    @contextmanager
    def measured(self) -> Iterator[None]:
        """What is read in the block counts, and its time."""
        octets, blocked, began, busy = self._watch.received, self._watch.blocked, time.monotonic(), time.process_time()
        try:
            yield
        finally:
            self.octets += self._watch.received - octets
            self.blocked += self._watch.blocked - blocked
            self.seconds += time.monotonic() - began
            self.busy += time.process_time() - busy


class Counted(io.RawIOBase):
    """A raw stream whose octets count as progress."""

    def __init__(self, raw: io.RawIOBase, watch: Watch) -> None:
        super().__init__()
        self._raw = raw
        self._watch = watch

    def readable(self) -> bool:
        """As io asks."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int | None:
        """As io asks."""
        began = time.monotonic()
        count = self._raw.readinto(buffer)
        self._watch.blocked += time.monotonic() - began
        self._watch.received += count or 0
        return count

    def close(self) -> None:
        """As io asks."""
        self._raw.close()
        super().close()
