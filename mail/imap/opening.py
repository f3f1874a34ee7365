"""Connects and logs in, on imapclient: TLS or STARTTLS with verification, LOGIN or AUTHENTICATE PLAIN."""

import base64
import contextlib
import imaplib
import io
import re
import socket
from collections.abc import Callable
from typing import TYPE_CHECKING

from imapclient import IMAPClient

from accounts.network import open_socket, tls_context
from mail.imap import failures
from mail.imap.deflate import Deflater, Inflated
from mail.line.watch import Counted, Watch
from mail.types import AuthenticationFailed, ConnectionFailed, Login

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_BUFFER = 64 * 1024  # a system call fetches several small mails, and 100 accounts in a process are 6 MB
_ROOM = 1_000_000  # octets until the login is done, where a thousand are the rule: imaplib keeps them all in memory
_PLAIN_TEXT = re.compile(r"[\x20-\x7e]+")
_ATOM = re.compile(r"[^\s(){%*\"\\\x7f-\U0010ffff]+")


class Connection(imaplib.IMAP4):
    """imaplib's connection over a socket that went to a checked address, with a `stream` that others may read on."""

    def __init__(self, login: Login, timeout: float, watch: Watch) -> None:
        self.watch = watch
        self._login = login
        self._seconds = timeout
        self._room = _ROOM
        self._stream: io.BufferedReader | None = None
        self._streamed: socket.socket | None = None
        self._deflated: Deflater | None = None
        super().__init__(login.host, login.port)

    def _create_socket(self, timeout: float | None) -> socket.socket:  # noqa: ARG002 -- imaplib's signature
        login = self._login
        sock = open_socket(login.host, login.port, timeout=self._seconds, trusted=login.trusted)
        self.watch.guard(sock)
        if login.security != "tls":
            return sock
        return tls_context(login.trusted).wrap_socket(sock, server_hostname=login.host)

    @property
    def stream(self) -> io.BufferedReader:
        """What the server sends, buffered. A new one after STARTTLS: what was sent in the clear before is not read."""
        if self._stream is None or self._streamed is not self.sock:
            self._stream = io.BufferedReader(Counted(self.sock.makefile("rb", buffering=0), self.watch), _BUFFER)
            self._streamed = self.sock
        return self._stream

    def _get_capabilities(self) -> None:
        """The greeting's, where it has them (RFC 3501 §7.1), else asked for. imaplib asks always.

        After STARTTLS they are asked for: those before it may come from somebody in between."""
        greeting = b"" if self._tls_established else self.announced().upper()
        if b"IMAP4" in greeting:
            self.capabilities = tuple(greeting.decode("ascii", "replace").split())
        else:
            super()._get_capabilities()  # type: ignore[misc]  # private to imaplib, not in its stubs

    def _log(self, line: str) -> None:
        """imaplib would keep the last lines, the password among them."""

    def authenticate_plain(self, username: str, password: str) -> None:
        """AUTHENTICATE PLAIN in one round trip (SASL-IR, RFC 4959). Raises imaplib's errors."""
        response = base64.b64encode(f"\0{username}\0{password}".encode()).decode()
        kind, data = self._simple_command("AUTHENTICATE", "PLAIN", response)
        if kind != "OK":
            raise self.error(data[-1])
        self.state = "AUTH"

    def announced(self) -> bytes:
        """The capabilities that came with the last answer (the greeting, the login), b"" if none did."""
        sent = self.untagged_responses.pop("CAPABILITY", [b""])[-1]
        return sent if isinstance(sent, bytes) else b""

    def read(self, size: int) -> bytes:
        """As imaplib asks for a literal."""
        self._take(size)
        return self.stream.read(size)

    def readline(self) -> bytes:
        """As imaplib asks for a line."""
        line = self.stream.readline(self._room + 1)
        self._take(len(line))
        return line

    def _take(self, octets: int) -> None:
        self._room -= octets
        if self._room < 0:
            raise self.abort(f"sent more than {_ROOM:,} octets before the login was done")

    def compress(self) -> None:
        """All that follows is compressed, both ways."""
        self._stream = io.BufferedReader(Inflated(self.stream), _BUFFER)
        self._deflated = Deflater()

    def send(self, data: "ReadableBuffer") -> None:
        """As imaplib sends."""
        super().send(data if self._deflated is None else self._deflated(data))

    def shutdown(self) -> None:
        """Close the socket; stream and watch would keep it open. Never fails: the socket may be gone by now."""
        with contextlib.suppress(OSError):
            if self._stream is not None:
                self._stream.close()
        with contextlib.suppress(OSError):
            super().shutdown()
        self.watch.end()


class _Client(IMAPClient):  # type: ignore[misc]  # imapclient has no types
    """imapclient on our Connection."""

    def __init__(self, login: Login, timeout: float, watch: Watch) -> None:
        self._login = login
        self._seconds = timeout
        self._watch = watch
        super().__init__(login.host, port=login.port, ssl=login.security == "tls", timeout=timeout)
        self.connection.debug = 0  # imapclient has imaplib format every line for a log

    def _create_IMAP4(self) -> Connection:  # noqa: N802 -- imapclient's name
        self.connection = Connection(self._login, self._seconds, self._watch)
        return self.connection


def open_connection(
    login: Login, timeout: float, seconds: float, begun: Callable[[Callable[[str], None]], None]
) -> Connection:
    """A connection that is logged in, within `seconds`. `begun` is given Watch.cut. Raises ConnectionFailed or
    AuthenticationFailed."""
    if login.security == "none" and not login.trusted:
        raise ConnectionFailed(
            f"A connection to {login.host} without encryption is refused. Choose TLS or STARTTLS, or ask the operator"
            f" to add {login.host} to SYNCFARM_TRUSTED_HOSTS."
        )
    watch = Watch(login.host, seconds)
    begun(watch.cut)
    with watch.waiting(), failures.connection_errors(login, timeout):
        try:
            client = _Client(login, timeout, watch)
            _log_in(client, login)
        except BaseException:  # gevent's Timeout is none of Exception's
            watch.end()
            raise
        return client.connection


def _log_in(client: _Client, login: Login) -> None:
    try:
        if login.security == "starttls":
            _start_tls(client, login)
        _authenticate(client, login)
    except BaseException:
        client.connection.shutdown()
        raise


def _start_tls(client: _Client, login: Login) -> None:
    if "STARTTLS" not in client.connection.capabilities:
        raise ConnectionFailed(
            f"{login.host}, port {login.port}, offers no STARTTLS, and the password is not sent without encryption."
            f" Choose TLS, mostly on port 993."
        )
    client.starttls(tls_context(login.trusted))


def _authenticate(client: _Client, login: Login) -> None:
    """LOGIN where it can carry the credentials, else AUTHENTICATE PLAIN, which takes any Unicode (RFC 4616)."""
    if any(sign in login.username + login.password for sign in "\0\r\n"):
        raise AuthenticationFailed("User name and password cannot contain line breaks or NUL.", permanent=True)
    if client.connection.state != "NONAUTH":  # PREAUTH (RFC 3501 §7.1.4)
        raise ConnectionFailed(f"{login.host} asks for no password, so it cannot be known whose mailbox it shows.")
    simple = _PLAIN_TEXT.fullmatch(login.username) and _PLAIN_TEXT.fullmatch(login.password)
    offered = client.connection.capabilities
    disabled = "LOGINDISABLED" in offered
    if disabled and "AUTH=PLAIN" not in offered:
        cure = "" if login.security != "none" else " It may take one over TLS or STARTTLS: choose that."
        raise ConnectionFailed(f"{login.host} takes no login by password (LOGINDISABLED).{cure}")
    try:
        if simple and not disabled:
            client.login(_astring(login.username), login.password)
        elif "SASL-IR" in offered:
            client.connection.authenticate_plain(login.username, login.password)
        else:
            client.plain_login(login.username, login.password)
    except imaplib.IMAP4.error as error:  # imapclient's LoginError is one
        cause = error.__context__ or error
        if isinstance(cause, imaplib.IMAP4.abort):  # imapclient calls a lost connection a LoginError too
            raise cause from None
        understood = "command error: BAD" not in str(cause)
        # Not "from error": its text may repeat the password.
        raise failures.refused_login(login, failures.said(cause, login), understood=understood) from None


def _astring(username: str) -> str:
    """imaplib quotes the password but not the user name."""
    if _ATOM.fullmatch(username):
        return username
    return '"' + username.replace("\\", "\\\\").replace('"', '\\"') + '"'
