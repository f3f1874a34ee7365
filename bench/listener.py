"""A server of connections on this machine: the relays of the benchmarks, and the servers that tests make up."""

import contextlib
import socket
import threading
from abc import ABC, abstractmethod
from typing import Self


class Listener(ABC):
    """Listens on a free port of 127.0.0.1 as long as the context lasts."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._accepting = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._accepting.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # close() alone would not wake who accepts
        self._listener.close()
        self._accepting.join(timeout=10)

    @abstractmethod
    def attend(self, connection: socket.socket) -> None:
        """Serve a new connection and close it, or have a thread do so: the next one is accepted after this."""

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                connection, _ = self._listener.accept()
                self.attend(connection)
