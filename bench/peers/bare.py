"""The wire's limit: one FETCH of everything through a plain socket, its octets counted and thrown away."""

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.mailbox import HOST, PASSWORD, Mailbox
from bench.watching import RunFailed
from syncfarm.dovecot import Dovecot

_CHUNK = 256 * 1024
_TOLD_EVERY = 8 * 1024 * 1024  # octets
_TAG = b"bench4711"  # a line of mail that begins with it ends the measurement too early, which its size would tell


@dataclass(frozen=True, slots=True)
class Drained:
    """Seconds from the FETCH to its tagged answer, and the octets between them."""

    wall: float
    octets: int


def fetch(server: Dovecot, mailbox: Mailbox, progress: Callable[[int], None]) -> Drained:
    """Fetch flags and bodies of the INBOX. Raises RunFailed."""
    with socket.create_connection((HOST, server.port), timeout=60) as connection:
        _drain(connection, b"* OK", progress=lambda _octets: None)  # the greeting
        _command(connection, b"LOGIN %s %s" % (mailbox.user.encode(), PASSWORD.encode()))
        _command(connection, b"EXAMINE INBOX")
        started = time.perf_counter()
        mean = mailbox.size / mailbox.messages
        octets = _command(
            connection, b"UID FETCH 1:* (UID FLAGS BODY.PEEK[])", lambda octets: progress(int(octets / mean))
        )
        wall = time.perf_counter() - started
    if octets < mailbox.size:
        raise RunFailed(f"the bare socket got {octets:,} octets of {mailbox.size:,}")
    return Drained(wall, octets)


def _command(connection: socket.socket, command: bytes, progress: Callable[[int], None] = lambda _octets: None) -> int:
    connection.sendall(_TAG + b" " + command + b"\r\n")
    return _drain(connection, _TAG + b" OK", progress)


def _drain(connection: socket.socket, end: bytes, progress: Callable[[int], None]) -> int:
    """Read up to the line that begins with `end`; how many octets that were."""
    buffer = bytearray(_CHUNK)
    octets = told = 0
    last = b"\n"
    while b"\n" + end not in last:
        count = connection.recv_into(buffer)
        if not count:
            raise RunFailed("the server hung up on the bare socket")
        octets += count
        last = (last + buffer[max(0, count - 512) : count])[-512:]  # the tagged line is the last and short
        if octets - told >= _TOLD_EVERY:
            progress(told := octets)
    return octets
