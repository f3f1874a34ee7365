"""A real SMTP server, aiosmtpd, that keeps what it gets."""

# ruff: noqa: N802 -- handlers have the names of commands
import asyncio
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from mail.types import Login

USER = "alice@example.test"
PASSWORD = "pässwörd 日本"


@dataclass
class Sink:
    """`refusing`: what is answered to RCPT for an address; `final`: to the dot, None: hang up without a word."""

    refusing: Mapping[str, str] = field(default_factory=dict)
    final: str | None = "250 2.0.0 Ok: queued as 4711"
    letters: list[Envelope] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    login: Login = field(init=False, repr=False)
    certificate: Path | None = None

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]) -> str:
        """As aiosmtpd asks."""
        if address in self.refusing:
            return self.refusing[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:
        """As aiosmtpd asks."""
        self.letters.append(envelope)
        if self.final is None:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return self.final or "250 unheard"

    def authenticate(self, _: SMTP, __: Session, ___: Envelope, mechanism: str, given: LoginPassword) -> AuthResult:
        """As aiosmtpd asks."""
        self.logins.append(mechanism)
        user, password = given.login.decode(), given.password.decode()
        return AuthResult(success=user == USER and password == PASSWORD, handled=False)


@contextmanager
def running(sink: Sink, directory: Path, security: str = "none", **options: Any) -> Iterator[Sink]:
    """The sink, listening; its `login` leads to it, and `certificate` is the authority that vouches for it."""
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    issued.configure_cert(context)
    sink.certificate = directory / "authority.pem"
    authority.cert_pem.write_to_path(sink.certificate)
    settings: dict[str, Any] = {
        "authenticator": sink.authenticate,
        "auth_require_tls": security == "starttls",
        "enable_SMTPUTF8": False,
        "ssl_context": context if security == "tls" else None,
        **({"tls_context": context, "require_starttls": True} if security == "starttls" else {}),
    }
    controller = Controller(sink, hostname="127.0.0.1", port=_free_port(), **(settings | options))
    controller.start()
    sink.login = Login("127.0.0.1", controller.port, security, USER, PASSWORD, trusted=True)
    try:
        yield sink
    finally:
        controller.stop()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
