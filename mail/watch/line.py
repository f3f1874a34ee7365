"""A connection to a mail server as asyncio has it: octets both ways, TLS, bounds on what is kept and waited for."""

import asyncio
import contextlib
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from typing import cast

from accounts.network import open_socket, tls_context
from mail.line.redaction import without_password
from mail.line.words import of_socket, readable
from mail.types import ConnectionFailed, Login
from mail.watch.responses import MOST, NotImap, Response, Responses

CONNECT = 20.0  # seconds
_QUOTED = 80  # characters of what is not IMAP
_VOLLEY = 200  # responses; then the others' turn: who sends without end takes a fiftieth of the process's time
_BREATH = 0.05  # seconds
# A line that died in silence is found after four minutes (tcp(7)): seconds of rest, between probes, and probes.
_KEEPALIVE = (("TCP_KEEPIDLE", 120), ("TCP_KEEPINTVL", 30), ("TCP_KEEPCNT", 4))
_threads = ThreadPoolExecutor(32, thread_name_prefix="connect")  # network.open_socket blocks


class Line(asyncio.Protocol):
    """One connection. Reading pauses while more has come than was taken."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._where = f"{login.host}, port {login.port}"
        self._responses = Responses()
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._ended: ConnectionFailed | None = None
        self._paused = False
        self._taken = 0

    @classmethod
    async def connected(cls, login: Login) -> "Line":
        """A line to a checked address, with TLS where it is to be from the start. Raises ConnectionFailed."""
        loop = asyncio.get_running_loop()
        line = cls(login)
        context = tls_context(login.trusted) if login.security == "tls" else None
        sock: socket.socket | None = None
        try:
            sock = await loop.run_in_executor(_threads, _connect, login)
            await loop.create_connection(
                lambda: line,
                sock=sock,
                ssl=context,
                server_hostname=login.host if context else None,
                ssl_handshake_timeout=CONNECT if context else None,
            )
        except OSError as error:
            _close(sock)
            raise line._failure(error) from error
        except BaseException:
            _close(sock)
            raise
        return line

    async def start_tls(self) -> None:
        """TLS from here on. What was sent in the clear after the go-ahead is not believed (CVE-2011-0411). Raises
        ConnectionFailed."""
        if len(self._responses):
            raise ConnectionFailed(f"{self._where} sent more before TLS began than it was asked for.")
        loop, transport = asyncio.get_running_loop(), self._open_transport()
        try:
            encrypted = await loop.start_tls(
                transport,
                self,
                tls_context(self._login.trusted),
                server_hostname=self._login.host,
                ssl_handshake_timeout=CONNECT,
            )
        except OSError as error:
            raise self._failure(error) from error
        if encrypted is None:  # closed meanwhile
            raise self._failure(ConnectionResetError())
        self._transport = encrypted

    def send(self, octets: bytes) -> None:
        """Never waits: all that is ever sent are short commands, one after the other. Raises ConnectionFailed."""
        self._open_transport().write(octets)

    async def next(self, seconds: float) -> Response | None:
        """The next response; None: none came in time. Raises ConnectionFailed."""
        self._taken += 1
        if self._taken % _VOLLEY == 0:
            await asyncio.sleep(_BREATH)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while True:
                    response = self._take()
                    if response is not None:
                        return response
                    await self._more()
        return None

    def close(self) -> None:
        """At once, without a farewell."""
        if self._transport is not None:
            self._transport.abort()

    def _open_transport(self) -> asyncio.Transport:
        if self._ended is not None:
            raise self._ended
        assert self._transport is not None
        return self._transport

    def _take(self) -> Response | None:
        try:
            response = self._responses.take()
        except NotImap as error:
            sent = without_password(error.sent.decode("utf-8", "replace"), self._login)
            words = readable(sent.encode("utf-8", "replace"))[:_QUOTED]
            raise ConnectionFailed(f"{self._where} sent {error}: {words}") from None
        if self._paused and len(self._responses) < MOST and self._ended is None:
            self._paused = False
            self._open_transport().resume_reading()
        if response is None and self._ended is not None:
            raise self._ended
        return response

    async def _more(self) -> None:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _failure(self, error: OSError) -> ConnectionFailed:
        return ConnectionFailed(of_socket(error, self._where, self._login.host, CONNECT))

    # As asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Octets came."""
        self._responses.feed(data)
        if len(self._responses) > MOST and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed; what came before is still read."""
        error = exc if isinstance(exc, OSError) and not isinstance(exc, ssl.SSLError) else None
        self._ended = self._failure(error or ConnectionResetError("it hung up"))
        self._wake()


def _connect(login: Login) -> socket.socket:
    sock = open_socket(login.host, login.port, timeout=CONNECT, trusted=login.trusted)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        if hasattr(socket, name):  # Linux has them all
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
    return sock


def _close(sock: socket.socket | None) -> None:
    if sock is not None:
        sock.close()
