"""An SMTP server that says what a test tells it to, for what no real one would do."""

import contextlib
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path

from bench.listener import Listener
from mail.types import Login
from tests.protocol.scripted import DROP, say

DEAF = b"<deaf>"  # at the end of an answer: read nothing more
_ORDINARY = {
    "EHLO": b"250-scripted\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 1000000\r\n",
    "AUTH": b"235 welcome\r\n",
    "MAIL": b"250 ok\r\n",
    "RCPT": b"250 ok\r\n",
    "DATA": b"354 go on\r\n",
    ".": b"250 2.0.0 queued as 7\r\n",
    "QUIT": b"221 bye\r\n" + DROP,
}


class ScriptedSmtp(Listener):
    """Answers each command by its first words, and "." is the end of a message. `heard` holds the commands, `letters`
    what came between DATA and the dot, which `cut` has without a dot."""

    def __init__(
        self, script: Mapping[str, bytes], greeting: bytes = b"220 ready\r\n", tls: Path | None = None
    ) -> None:
        """`tls`: a directory with cert.pem and key.pem, used after STARTTLS."""
        super().__init__()
        self.heard: list[bytes] = []
        self.letters: list[bytes] = []
        self.cut: list[bytes] = []
        self._script = {**_ORDINARY, **script}
        self._greeting = greeting
        self._tls = tls
        self._over = threading.Event()
        self.after_tls: dict[str, bytes] = {}  # what is answered otherwise once the line is encrypted

    @property
    def login(self) -> Login:
        """How to reach it."""
        return Login("127.0.0.1", self.port, "none", "alice", "secret", trusted=True)

    def __exit__(self, *failure: object) -> None:
        self._over.set()
        super().__exit__(*failure)

    def attend(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(10)
            if say(connection, self._greeting):
                self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        while line := stream.readline():
            self.heard.append(line.rstrip(b"\r\n"))
            answer = self._answer(self.heard[-1])
            if answer.endswith(DEAF):
                connection.sendall(answer.removesuffix(DEAF))
                self._over.wait(10)
                return
            if not say(connection, answer):
                return
            if line.startswith(b"DATA") and answer.startswith(b"354"):
                if not (self._receive(stream) and say(connection, self._script["."])):
                    return
            elif line.startswith(b"STARTTLS") and self._tls:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(self._tls / "cert.pem", self._tls / "key.pem")
                self._script |= self.after_tls
                with context.wrap_socket(connection, server_side=True) as encrypted:
                    self._converse(encrypted)
                return

    def _receive(self, stream: BufferedReader) -> bool:
        """The message up to its dot; whether that came."""
        lines: list[bytes] = []
        with contextlib.suppress(OSError):
            while line := stream.readline():
                if line == b".\r\n":
                    self.letters.append(b"".join(lines))
                    return True
                lines.append(line)
        self.cut.append(b"".join(lines))
        return False

    def _answer(self, command: bytes) -> bytes:
        if not command:
            return self._script.get("", b"500 what?\r\n")
        fitting = [
            start for start in self._script if start and re.match(re.escape(start.encode()), command, re.IGNORECASE)
        ]
        return self._script[max(fitting, key=len)] if fitting else b"500 what?\r\n"
