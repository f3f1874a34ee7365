"""A submission server that is slow at random, refuses some, hangs up on others, and counts what it took."""

# ruff: noqa: N802 -- handlers have the names of commands
import asyncio
import contextlib
import email.parser
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from bench.kills.moments import Moments
from syncfarm.embedded import ports

QUEUE = "outbound"
SLOW = 0.2  # of the steps
LONGEST = 0.6  # seconds
REFUSED, BUSY, RUDE = "nobody@example.test", "later@example.test", "rude@example.test"


class Sink:
    """aiosmtpd's handler. `taken`: Message-ID -> how often it said, or was about to say, that it has the message; who
    is cut off meanwhile has it or not, as with other servers. `at`: when it took the last."""

    def __init__(self, seed: str, moments: Moments) -> None:
        self.taken: Counter[str] = Counter()
        self.at: dict[str, float] = {}
        self.port = 0
        self.calm = False
        self._chance = random.Random(seed)
        self._moments = moments

    async def handle_MAIL(self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]) -> str:
        """As aiosmtpd asks."""
        await self._rest("MAIL")
        envelope.mail_from, envelope.mail_options = address, options
        return "250 OK"

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]) -> str:
        """As aiosmtpd asks."""
        await self._rest("RCPT")
        if address == REFUSED:
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, _: Session, envelope: Envelope) -> str:
        """After the dot. The message is taken before or after the rest that follows."""
        if BUSY in envelope.rcpt_tos and not self.calm:  # what was scheduled would be tried for six hours
            await self._rest("the dot")
            return "451 4.3.2 not now"
        early = self._chance.random() < 0.5
        if early:
            self._take(envelope)
        await self._rest("the dot")
        if not early:
            self._take(envelope)
        if RUDE in envelope.rcpt_tos:
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 2.0.0 Ok"

    def _take(self, envelope: Envelope) -> None:
        assert isinstance(envelope.content, bytes)
        header_id = str(email.parser.BytesHeaderParser().parsebytes(envelope.content)["Message-ID"]).strip("<> \r\n")
        self.taken[header_id] += 1
        self.at[header_id] = time.time()

    async def _rest(self, step: str) -> None:
        if not self.calm and self._chance.random() < SLOW:
            self._moments.announce(QUEUE, f"at {step}")
            await asyncio.sleep(self._chance.uniform(0.02, LONGEST))


class _Server(SMTP):
    """It rests before it asks for the message, too."""

    async def smtp_DATA(self, arg: str) -> None:
        """As aiosmtpd asks."""
        await self.event_handler._rest("DATA")  # noqa: SLF001 -- the two are one server
        await super().smtp_DATA(arg)


class _Controller(Controller):
    def factory(self) -> SMTP:
        """As aiosmtpd asks."""
        return _Server(self.handler, **self.SMTP_kwargs)


def _let_in(*_: Any) -> AuthResult:
    return AuthResult(success=True)


@contextmanager
def listening(seed: str, moments: Moments) -> Iterator[Sink]:
    """The sink, at a free port of 127.0.0.1."""
    sink = Sink(seed, moments)
    sink.port = ports.choose(0)
    settings: dict[str, Any] = {"enable_SMTPUTF8": False, "auth_require_tls": False, "authenticator": _let_in}
    controller = _Controller(sink, hostname="127.0.0.1", port=sink.port, **settings)
    controller.start()
    try:
        yield sink
    finally:
        with contextlib.suppress(Exception):
            controller.stop()
