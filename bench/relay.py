"""A relay between client and server that counts: connections, octets each way, and round trips (the client spoke, then
waited)."""

import contextlib
import socket
import threading
from dataclasses import dataclass

from bench.listener import Listener

CHUNK = 65_536


@dataclass(frozen=True, slots=True)
class Traffic:
    """What went over the wire; octets both ways."""

    connections: int
    round_trips: int
    octets: int

    def __sub__(self, before: "Traffic") -> "Traffic":
        return Traffic(
            self.connections - before.connections,
            self.round_trips - before.round_trips,
            self.octets - before.octets,
        )


class CountingRelay(Listener):
    """Relays to a port of 127.0.0.1."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._target = ("127.0.0.1", port)
        self._counting = threading.Lock()
        self._connections = self._round_trips = self._octets = 0
        self._lines: list[threading.Thread] = []

    def __exit__(self, *failure: object) -> None:
        super().__exit__(*failure)
        self.settle()

    def traffic(self) -> Traffic:
        """All of it so far."""
        with self._counting:
            return Traffic(self._connections, self._round_trips, self._octets)

    def settle(self) -> Traffic:
        """The same, once every connection has ended: a client that hung up may be ahead of what is counted."""
        for thread in self._lines:
            thread.join()
        self._lines.clear()
        return self.traffic()

    def attend(self, connection: socket.socket) -> None:
        line = threading.Thread(target=self._carry, args=(connection,), daemon=True)
        self._lines.append(line)
        self._count(connections=1)
        line.start()

    def _carry(self, client: socket.socket) -> None:
        answered = threading.Event()  # the server spoke last: what the client says now begins a round trip
        answered.set()
        with client, socket.create_connection(self._target) as server:
            back = threading.Thread(target=self._carry_answers, args=(server, client, answered), daemon=True)
            back.start()
            with contextlib.suppress(OSError):  # either side may reset
                while data := client.recv(CHUNK):
                    self._count(round_trips=int(answered.is_set()), octets=len(data))
                    answered.clear()
                    server.sendall(data)
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_WR)
            back.join()

    def _carry_answers(self, server: socket.socket, client: socket.socket, answered: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(CHUNK):
                self._count(octets=len(data))
                answered.set()
                client.sendall(data)
            client.shutdown(socket.SHUT_WR)

    def _count(self, connections: int = 0, round_trips: int = 0, octets: int = 0) -> None:
        with self._counting:
            self._connections += connections
            self._round_trips += round_trips
            self._octets += octets
