"""An IMAP server that says what a test tells it to, for what Dovecot would never do; and a line that breaks."""

import contextlib
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from io import BufferedReader
from pathlib import Path

from bench.listener import Listener
from mail.types import Login

DROP = b"<drop>"  # at the end of an answer: close the connection
STALL = b"<stall>"  # at the end of an answer: say nothing more
SPOKEN = b"<spoken>"  # within an answer: wait here until the client has said more
DRIP = b"<drip>"  # at the end of an answer: an octet now and then, for some seconds

_LITERAL = re.compile(rb"\{(\d+)(\+?)\}\r\n$")
_ORDINARY = {
    "CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n%T OK done\r\n",
    "LOGIN": b"%T OK welcome\r\n",
    "AUTHENTICATE": b"+ \r\n",
    "EXAMINE": b"* 0 EXISTS\r\n* OK [UIDVALIDITY 5]\r\n* OK [UIDNEXT 9]\r\n%T OK done\r\n",
    "LOGOUT": b"* BYE\r\n%T OK bye\r\n" + DROP,
}


class ScriptedServer(Listener):
    """Answers each command by its first words; %T stands for the tag. `heard` holds the commands without tags."""

    def __init__(
        self, script: Mapping[str, bytes], greeting: bytes = b"* OK ready\r\n", tls: Path | None = None
    ) -> None:
        """`tls`: a directory with cert.pem and key.pem, used after STARTTLS."""
        super().__init__()
        self.heard: list[bytes] = []
        self.literal_plus = True  # whether {1+} is understood, offered or not
        self._script = {**_ORDINARY, **script}
        self.greeting = greeting
        self._tls = tls

    @property
    def login(self) -> Login:
        """How to reach it."""
        return Login("127.0.0.1", self.port, "none", "alice", "secret", trusted=True)

    def now(self, script: Mapping[str, bytes]) -> None:
        """From now on it answers so, and forgets what it heard."""
        self._script = {**_ORDINARY, **script}
        self.heard.clear()

    def attend(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            if say(connection, self.greeting):
                self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        for command in self._commands(connection, stream):
            tag, _, words = command.partition(b" ")
            self.heard.append(words)
            *parts, answer = self._answer(words).replace(b"%T", tag).split(SPOKEN)
            for part in parts:
                connection.sendall(part)
                stream.peek(1)
            if not say(connection, answer):
                return
            if words == b"STARTTLS" and self._tls:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self._tls / "cert.pem", self._tls / "key.pem")
                with context.wrap_socket(connection, server_side=True) as encrypted:
                    self._converse(encrypted)
                return

    def _commands(self, connection: socket.socket, stream: BufferedReader) -> Iterator[bytes]:
        while line := stream.readline():
            while (literal := _LITERAL.search(line)) and (self.literal_plus or not literal[2]):
                if not literal[2]:
                    connection.sendall(b"+ go on\r\n")
                line = line[: literal.start()] + stream.read(int(literal[1])) + stream.readline()
            yield line.rstrip(b"\r\n")

    def _answer(self, words: bytes) -> bytes:
        fitting = [start for start in self._script if words.startswith(start.encode())]
        return self._script[max(fitting, key=len)] if fitting else b"%T BAD what?\r\n"


def say(connection: socket.socket, answer: bytes) -> bool:
    """Send an answer; whether the conversation goes on."""
    said = answer
    for sign in (DROP, STALL, DRIP):
        said = said.removesuffix(sign)
    connection.sendall(said)
    if answer.endswith(STALL):
        with contextlib.suppress(OSError):
            connection.recv(1)  # until the client gives up
    if answer.endswith(DRIP):
        _drip(connection)
    return said == answer


def _drip(connection: socket.socket) -> None:
    until = time.monotonic() + 5
    while time.monotonic() < until:
        connection.sendall(b"x")
        time.sleep(0.05)


@contextlib.contextmanager
def cut_after(octets: int, port: int) -> Iterator[int]:
    """The port of a line to `port` that breaks once the server has sent so many octets."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_relay, args=(listener, port, octets), daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join(timeout=10)


def _relay(listener: socket.socket, port: int, octets: int) -> None:
    with contextlib.suppress(OSError):
        client, _ = listener.accept()
        with client, socket.create_connection(("127.0.0.1", port), timeout=10) as server:
            threading.Thread(target=_pump, args=(client, server), daemon=True).start()
            while octets > 0 and (piece := server.recv(min(octets, 65536))):
                client.sendall(piece)
                octets -= len(piece)
            client.shutdown(socket.SHUT_RDWR)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            target.sendall(piece)
