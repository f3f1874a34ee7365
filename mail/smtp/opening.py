"""Connects and logs in, on smtplib: TLS or STARTTLS with verification, AUTH PLAIN, LOGIN or XOAUTH2."""

import base64
import re
import smtplib
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from accounts.network import open_socket, tls_context
from mail.line.watch import Watch
from mail.line.words import of_socket
from mail.smtp.answers import Answer, answer, refused_login
from mail.types import AuthenticationFailed, ConnectionFailed, Login

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_LINE = 4_096  # octets of a reply's line; RFC 5321 §4.5.3.1.5 has 512
_LINES = 200  # of a reply; EHLO's has a dozen
_UNSAYABLE = re.compile("[\0\r\n\ud800-\udfff]")
_OURSELVES = "[127.0.0.1]"  # who we are is the server's to see; smtplib would ask name servers for the machine's name


class Connection(smtplib.SMTP):
    """smtplib's connection over a socket that went to a checked address."""

    def __init__(self, login: Login, timeout: float, watch: Watch) -> None:
        self.login_data = login
        self._watch = watch
        super().__init__(local_hostname=_OURSELVES, timeout=timeout)
        self._host = login.host  # smtplib's starttls verifies the certificate for it

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        trusted = self.login_data.trusted
        sock = open_socket(host, port, timeout=timeout, trusted=trusted)
        self._watch.guard(sock)
        if self.login_data.security != "tls":
            return sock
        try:
            return tls_context(trusted).wrap_socket(sock, server_hostname=host)
        except BaseException:  # gevent's Timeout is none of Exception's
            sock.close()
            raise

    def getreply(self) -> tuple[int, bytes]:
        """As smtplib's, which takes continuation lines without end and hides why the connection broke. -1: no SMTP."""
        assert self.sock is not None
        if self.file is None:
            self.file = self.sock.makefile("rb")
        lines: list[bytes] = []
        while len(lines) < _LINES:
            line = self.file.readline(_LINE)
            if not line:
                raise smtplib.SMTPServerDisconnected
            lines.append(line[4:].strip())
            if not (line[:3].isdigit() and line.endswith(b"\n")):
                return -1, line
            if line[3:4] != b"-":
                return int(line[:3]), b"\n".join(lines)
        return -1, b"a reply without an end"

    def send(self, s: "ReadableBuffer | str") -> None:
        """As smtplib's, which hides why the connection broke."""
        assert self.sock is not None
        self.sock.sendall(s.encode(self.command_encoding) if isinstance(s, str) else s)

    def ask(self, command: str) -> Answer:
        """Send a command and wait for its answer."""
        self.send(f"{command}\r\n")
        return self.answer()

    def answer(self) -> Answer:
        """What the server says next."""
        return answer(*self.getreply(), self.login_data)

    def wait_for(self, seconds: float) -> None:
        """How long any read or write may take from now on."""
        assert self.sock is not None
        self.sock.settimeout(seconds)


@contextmanager
def connection_errors(login: Login, timeout: float) -> Iterator[None]:
    """Turns what sockets, TLS and smtplib raise into ConnectionFailed with words for the mailbox's owner."""
    where = f"{login.host}, port {login.port}"
    try:
        yield
    except smtplib.SMTPException:  # an OSError, too. Not "from": its text may repeat the password.
        raise ConnectionFailed(f"{where} dropped the connection.") from None
    except OSError as error:
        raise ConnectionFailed(of_socket(error, where, login.host, timeout)) from error
    except ValueError as error:  # of a closed file, when the socket was cut
        raise ConnectionFailed(f"{where} dropped the connection.") from error


def check(login: Login) -> None:
    """Raises ConnectionFailed or AuthenticationFailed where there is no need to ask the server."""
    if login.security == "none" and not login.trusted:
        raise ConnectionFailed(
            f"A connection to {login.host} without encryption is refused. Choose TLS or STARTTLS, or ask the operator"
            f" to add {login.host} to SYNCFARM_TRUSTED_HOSTS."
        )
    if _UNSAYABLE.search(login.username + login.password):
        raise AuthenticationFailed(
            "User name and password cannot contain line breaks, NUL or broken Unicode.", permanent=True
        )


def log_in(connection: Connection) -> None:
    """Connect, and log in where there is a user name. Raises ConnectionFailed, AuthenticationFailed, and what
    connection_errors turns into the former."""
    login = connection.login_data
    greeting = answer(*connection.connect(login.host, login.port), login)
    if greeting.code != 220:
        raise _turned_away(login, greeting)
    _greet(connection)
    if login.security == "starttls":
        _start_tls(connection)
        _greet(connection)
    if login.username:
        _authenticate(connection)


def _greet(connection: Connection) -> None:
    code, text = connection.ehlo()
    if code != 250:
        raise _turned_away(connection.login_data, answer(code, text, connection.login_data))


def _turned_away(login: Login, said: Answer) -> ConnectionFailed:
    if said.refused:
        return ConnectionFailed(f"{login.host}, port {login.port}, takes no mail from here: {said}")
    return ConnectionFailed(f"{login.host}, port {login.port}, does not speak SMTP. Check the port. It said: {said}")


def _start_tls(connection: Connection) -> None:
    login = connection.login_data
    if not connection.has_extn("starttls"):
        raise ConnectionFailed(
            f"{login.host}, port {login.port}, offers no STARTTLS, and the password is not sent without encryption."
            f" Choose TLS, mostly on port 465."
        )
    # smtplib drops what came in the clear behind the answer, and what was said before (RFC 3207 §4.2).
    try:
        connection.starttls(context=tls_context(login.trusted))
    except smtplib.SMTPResponseException as error:
        text = error.smtp_error if isinstance(error.smtp_error, bytes) else error.smtp_error.encode()
        said = answer(error.smtp_code, text, login)
        raise ConnectionFailed(f"{login.host}, port {login.port}, refuses STARTTLS: {said}") from None


def _authenticate(connection: Connection) -> None:
    """PLAIN (RFC 4616), else LOGIN, which Exchange has alone. Ours: smtplib's take ASCII passwords only."""
    login = connection.login_data
    offered = set(connection.esmtp_features.get("auth", "").upper().split())
    wanted = ["XOAUTH2"] if login.mechanism == "xoauth2" else ["PLAIN", "LOGIN"]
    mechanism = next((each for each in wanted if each in offered), "")
    if not mechanism:
        what = f"only {', '.join(sorted(offered))[:200]}" if offered else "no login"
        cure = "" if login.security != "none" else " It may offer more over TLS or STARTTLS: choose that."
        raise ConnectionFailed(
            f"{login.host}, port {login.port}, offers {what}, and {' or '.join(wanted)} is needed.{cure}"
        )
    said = _said_to(connection, mechanism)
    if said.code != 235:
        raise refused_login(login, said)


def _said_to(connection: Connection, mechanism: str) -> Answer:
    login = connection.login_data
    if mechanism == "PLAIN":
        return connection.ask("AUTH PLAIN " + _encoded(f"\0{login.username}\0{login.password}"))
    if mechanism == "LOGIN":
        said = connection.ask("AUTH LOGIN")
        for secret in (login.username, login.password):
            said = connection.ask(_encoded(secret)) if said.code == 334 else said
        return said
    said = connection.ask("AUTH XOAUTH2 " + _encoded(f"user={login.username}\1auth=Bearer {login.password}\1\1"))
    return connection.ask("") if said.code == 334 else said  # why not, in JSON; the answer follows an empty line


def _encoded(secret: str) -> str:
    return base64.b64encode(secret.encode()).decode()
