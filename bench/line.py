"""A line to a server that is far away, or narrow: what is sent arrives later, at so many octets a second.

Every connection has a line of its own, so that several get more through, as they do where a provider throttles each.
"""

import contextlib
import queue
import socket
import threading
import time

from bench.listener import Listener

_CHUNK = 16_384
_UNDER_WAY = 256  # chunks in one direction: more than fits into any line that is worth a test


class Line(Listener):
    """Lines to a port of 127.0.0.1."""

    def __init__(self, port: int, *, delay: float = 0.0, rate: float = float("inf"), most: int | None = None) -> None:
        """`delay`: seconds each way; `rate`: octets a second towards the client; `most`: connections at once, further
        ones are closed without a word."""
        super().__init__()
        self.octets = 0  # towards clients
        self.refused = 0
        self._target = ("127.0.0.1", port)
        self._delay, self._rate, self._most = delay, rate, most
        self._open = 0
        self.most_open = 0
        self._counting = threading.Lock()

    def attend(self, connection: socket.socket) -> None:
        with self._counting:
            full = self._most is not None and self._open >= self._most
            self._open += not full
            self.refused += full
            self.most_open = max(self.most_open, self._open)
        if full:
            connection.close()
        else:
            threading.Thread(target=self._carry, args=(connection,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._target) as server:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=self._pass, args=(server, client, self._rate), daemon=True)
            back.start()
            self._pass(client, server, float("inf"))
            back.join()
        with self._counting:
            self._open -= 1

    def _pass(self, source: socket.socket, target: socket.socket, rate: float) -> None:
        under_way: queue.Queue[tuple[float, bytes]] = queue.Queue(_UNDER_WAY)
        arriving = threading.Thread(target=self._arrive, args=(under_way, target, rate), daemon=True)
        arriving.start()
        free = 0.0
        with contextlib.suppress(OSError):
            while data := source.recv(_CHUNK):
                free = max(free, time.monotonic()) + len(data) / rate
                under_way.put((free + self._delay, data))
        under_way.put((0.0, b""))
        arriving.join()

    def _arrive(self, under_way: "queue.Queue[tuple[float, bytes]]", target: socket.socket, rate: float) -> None:
        due, data = under_way.get()
        while data:
            time.sleep(max(0.0, due - time.monotonic()))
            with contextlib.suppress(OSError):
                target.sendall(data)
            if rate < float("inf"):
                self.octets += len(data)
            due, data = under_way.get()
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)
