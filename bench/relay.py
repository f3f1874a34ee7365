"""A relay between client and server that counts: octets each way, and round trips (the client spoke, then waited)."""

import socket
import threading
from types import TracebackType
from typing import Self

CHUNK = 65_536


class CountingRelay:
    """Listens on a free port of 127.0.0.1 as long as the context lasts, and serves one connection after another."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._answered = True  # the server spoke last: what the client says now begins a round trip
        self.port = int(self._listener.getsockname()[1])
        self.round_trips = 0
        self.sent = 0  # octets from the client
        self.received = 0
        self._thread = threading.Thread(target=self._serve, name="relay", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            with client, socket.create_connection(self._target) as server:
                back = threading.Thread(target=self._carry_answers, args=(server, client), daemon=True)
                back.start()
                self._carry_commands(client, server)
                back.join()

    def _carry_commands(self, client: socket.socket, server: socket.socket) -> None:
        while data := client.recv(CHUNK):
            self.sent += len(data)
            self.round_trips += self._answered
            self._answered = False
            server.sendall(data)
        server.shutdown(socket.SHUT_WR)

    def _carry_answers(self, server: socket.socket, client: socket.socket) -> None:
        while data := server.recv(CHUNK):
            self.received += len(data)
            self._answered = True
            client.sendall(data)
