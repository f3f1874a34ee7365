"""Fetches small files from hosts that customers name: https only, public addresses only, bounded in size and time."""

import contextlib
import http.client
import socket
import ssl
import threading
import time
from urllib.parse import SplitResult, urljoin, urlsplit

from accounts.network import HostError, is_trusted, open_socket, tls_context

_MAX_BYTES = 256 * 1024
_MAX_REDIRECTS = 3


class FetchFailed(Exception):
    """No file. The message names the host and says why."""


class _GuardedConnection(http.client.HTTPSConnection):
    """An HTTPS connection whose socket comes from accounts.network."""

    def __init__(self, host: str, port: int, timeout: float, context: ssl.SSLContext | None) -> None:
        self._tls = context or tls_context(is_trusted(host))
        super().__init__(host, port, timeout=timeout, context=self._tls)

    def connect(self) -> None:
        """Connect; the TLS handshake is left to the caller, who holds the deadline."""
        timeout = float(self.timeout or 0)
        plain = open_socket(self.host, self.port, timeout=timeout, trusted=is_trusted(self.host))
        try:
            self.sock = self._tls.wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False)
        except BaseException:
            plain.close()
            raise


def fetch(url: str, limit: float, context: ssl.SSLContext | None = None) -> bytes:
    """The body of a 200 answer within `limit` seconds in all, redirects included. Raises FetchFailed.

    `context` replaces the TLS settings of accounts.network.
    """
    deadline = time.monotonic() + limit
    for _ in range(_MAX_REDIRECTS + 1):
        parts = _checked(url)
        try:
            answer = _get(parts, deadline, context)
            if isinstance(answer, bytes):
                return answer
            url = urljoin(url, answer)
        except HostError as error:
            raise FetchFailed(str(error)) from error
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise FetchFailed(f"{parts.hostname}: {_words(error, deadline)}") from error
    raise FetchFailed(f"{parts.hostname}: too many redirects")


def _checked(url: str) -> SplitResult:
    with contextlib.suppress(ValueError):  # a port or an IPv6 address that is none
        parts = urlsplit(url)
        if parts.scheme == "https" and parts.hostname and parts.username is None and parts.port != 0:
            return parts
    raise FetchFailed(f"{url[:200]!r} is no https address")


def _get(parts: SplitResult, deadline: float, context: ssl.SSLContext | None) -> bytes | str:
    """The body, or where a redirect leads."""
    remaining = max(deadline - time.monotonic(), 0.001)
    connection = _GuardedConnection(str(parts.hostname), parts.port or 443, remaining, context)
    try:
        connection.connect()
        with _Deadline(connection.sock, deadline):
            connection.sock.do_handshake()
            target = f"{parts.path or '/'}{'?' if parts.query else ''}{parts.query}"
            connection.request("GET", target, headers={"User-Agent": "Syncfarm", "Accept": "application/xml, text/xml"})
            response = connection.getresponse()
            location = response.getheader("location")
            if response.status in {301, 302, 303, 307, 308} and location:
                return location
            if response.status != 200:
                raise ValueError(f"answers {response.status}")
            body = response.read(_MAX_BYTES + 1)
    finally:
        connection.close()
    if len(body) > _MAX_BYTES:
        raise ValueError(f"sends more than {_MAX_BYTES // 1024} kB")
    if time.monotonic() >= deadline:  # cut short, which a body without a length does not tell
        raise TimeoutError
    return body


class _Deadline:
    """Cuts the connection at the deadline: socket timeouts alone let a server drip a byte at a time for ever."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        # The plain socket's shutdown: SSLSocket's own drops the TLS state under the reader's hands.
        self._timer = threading.Timer(
            max(deadline - time.monotonic(), 0), socket.socket.shutdown, [connection, socket.SHUT_RDWR]
        )
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


def _words(error: Exception, deadline: float) -> str:
    if isinstance(error, TimeoutError) or time.monotonic() >= deadline:
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted ({error.verify_message})"
    return str(error) or type(error).__name__
