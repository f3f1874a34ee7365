"""One conversation with a server: log in, ask it to tell of changes, and listen.

The best way that is offered: NOTIFY (RFC 5465) of all personal folders, with none selected; else IDLE (RFC 2177) on the
inbox. With NOTIFY, too, IDLE is what we wait in: servers end connections that say nothing, and some tell nothing then.
"""

import asyncio
import base64
import contextlib
import random
import re
from collections.abc import Callable
from typing import NoReturn, Self

from accounts.models import WatchMode
from mail.imap.capabilities import WHO
from mail.imap.failures import refused_login
from mail.line.redaction import without_password
from mail.line.words import readable
from mail.types import AuthenticationFailed, ConnectionFailed, Login, MailError
from mail.watch.hearing import Hearing
from mail.watch.line import Line
from mail.watch.responses import Response

ANSWER = 30.0  # seconds for an answer; who takes longer is dead
OPENING = 60.0  # for all of them until it listens
RENEWAL = 27 * 60.0  # seconds; servers may hang up after 30 minutes (RFC 3501 §5.4), RFC 2177 says 29
_UNTAGGED = 1000  # responses to a command of ours, where ten are the rule

# MessageNew and MessageExpunge go together, FlagChange needs both (RFC 5465 §5.2, §5.3). Nothing is selected, so
# "personal" is all. Dovecot 2.3 tells of flags by HIGHESTMODSEQ alone, and of that to those who want CONDSTORE.
NOTIFY = b"NOTIFY SET (personal (MessageNew MessageExpunge FlagChange MailboxName))"
_PLAIN_TEXT = re.compile(r"[\x20-\x7e]+")


class CannotWatch(MailError):
    """The server does not tell of changes by itself, or not to us. In words for the mailbox's owner."""


class _Refused(Exception):
    """The server answered NO or BAD."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.kind)
        self.answer = answer


class Session:
    """A connection that is logged in and tells of changes, in the way `mode` says."""

    def __init__(self, line: Line, login: Login) -> None:
        self.mode = WatchMode.POLLING
        self._line, self._login = line, login
        self._hearing = Hearing()
        self._offered: frozenset[bytes] = frozenset()
        self._tags = 0

    @classmethod
    async def opened(cls, login: Login) -> Self:
        """Raises ConnectionFailed, AuthenticationFailed or CannotWatch."""
        if login.security == "none" and not login.trusted:
            raise CannotWatch(f"A connection to {login.host} without encryption is refused. Choose TLS or STARTTLS.")
        session: Self | None = None
        try:
            async with asyncio.timeout(OPENING):
                session = cls(await Line.connected(login), login)
                await session._greet()
                await session._log_in()
                await session._ask_to_be_told()
        except TimeoutError:
            raise ConnectionFailed(f"{login.host} did not let us in within {OPENING:g} seconds.") from None
        finally:
            if session is not None and session.mode == WatchMode.POLLING:
                session.close()
        return session

    def close(self) -> None:
        """At once, without a farewell: the server sees it."""
        self._line.close()

    async def listen(self, heard: Callable[[], None], renewal: float = RENEWAL) -> NoReturn:
        """Call `heard` for each hint, until the connection is lost. Raises ConnectionFailed.

        `renewal`: seconds of a wait, spread by some, after which the server has to show that it is there.
        """
        try:
            while True:
                await self._wait_once(heard, renewal)
        except _Refused as refused:
            raise ConnectionFailed(f"{self._login.host} waits no longer: {self._words(refused.answer)}") from None

    async def _wait_once(self, heard: Callable[[], None], renewal: float) -> None:
        loop = asyncio.get_running_loop()
        tag = self._send(b"IDLE") if b"IDLE" in self._offered else b""
        until = loop.time() + renewal * random.uniform(0.8, 1)  # noqa: S311 -- jitter
        agreed = not tag
        while (left := until - loop.time()) > 0:
            response = await self._line.next(left if agreed else ANSWER)
            if response is None and not agreed:
                raise self._silent()
            if response is not None:
                agreed |= response.tag == b"+"
                self._heed(response, heard)
                if response.tag == tag:  # nobody asked it to stop
                    raise _Refused(response)
        if tag:
            self._line.send(b"DONE\r\n")
        await self._answer(tag or self._send(b"NOOP"), heard)

    async def _greet(self) -> None:
        """The greeting, TLS where it is to begin now, and the capabilities."""
        greeting = await self._next()
        if greeting.kind == b"BYE":
            raise ConnectionFailed(f"{self._login.host} turns us away: {self._words(greeting)}")
        if greeting.kind != b"OK":  # PREAUTH (RFC 3501 §7.1.4), or no IMAP
            raise ConnectionFailed(
                f"{self._login.host} asks for no password, so it cannot be known whose mailbox it shows."
            )
        if self._login.security == "starttls":
            if not await self._tried(b"STARTTLS"):
                raise ConnectionFailed(
                    f"{self._login.host} offers no STARTTLS, and the password is not sent without encryption."
                    f" Choose TLS, mostly on port 993."
                )
            await self._line.start_tls()
            greeting = Response(b"*", b"OK")  # what was said before may come from somebody in between
        await self._learn([greeting])

    async def _log_in(self) -> None:
        """LOGIN where it can carry the credentials, else AUTHENTICATE PLAIN, as the sync does (mail.imap.opening)."""
        login = self._login
        if any(sign in login.username + login.password for sign in "\0\r\n"):
            raise AuthenticationFailed("User name and password cannot contain line breaks or NUL.", permanent=True)
        simple = _PLAIN_TEXT.fullmatch(login.username) and _PLAIN_TEXT.fullmatch(login.password)
        disabled = b"LOGINDISABLED" in self._offered
        if disabled and b"AUTH=PLAIN" not in self._offered:
            raise CannotWatch(f"{login.host} takes no login by password (LOGINDISABLED).")
        try:
            if simple and not disabled:
                await self._learn(await self._command(b"LOGIN", _quoted(login.username), _quoted(login.password)))
            else:
                await self._learn(await self._authenticate_plain())
        except _Refused as refused:
            understood = refused.answer.kind == b"NO"
            raise refused_login(login, self._words(refused.answer), understood=understood) from None

    async def _authenticate_plain(self) -> list[Response]:
        """RFC 4616, in one round trip where that is offered (RFC 4959)."""
        secret = base64.b64encode(f"\0{self._login.username}\0{self._login.password}".encode())
        if b"SASL-IR" in self._offered:
            return await self._command(b"AUTHENTICATE PLAIN", secret)
        tag = self._send(b"AUTHENTICATE PLAIN")
        while (response := await self._next()).tag != b"+":
            if response.tag == tag:
                raise _Refused(response)
        self._line.send(secret + b"\r\n")
        return await self._answer(tag)

    async def _ask_to_be_told(self) -> None:
        if b"ID" in self._offered:
            await self._tried(WHO)
        if b"NOTIFY" in self._offered:
            if b"CONDSTORE" in self._offered and b"ENABLE" in self._offered:
                await self._tried(b"ENABLE CONDSTORE")
            if await self._tried(NOTIFY):
                self.mode = WatchMode.NOTIFY
                return
        if b"IDLE" not in self._offered:
            raise CannotWatch(
                f"{self._login.host} offers neither NOTIFY nor IDLE: it does not tell of changes by itself."
            )
        if not await self._tried(b"EXAMINE INBOX"):
            raise ConnectionFailed(f"{self._login.host} refuses to open the inbox.")
        self.mode = WatchMode.IDLE

    async def _tried(self, command: bytes) -> bool:
        """Whether the server does it."""
        try:
            await self._command(command)
        except _Refused:
            return False
        return True

    async def _learn(self, responses: list[Response]) -> None:
        """The capabilities, as they came with these, else asked for (RFC 3501 §7.1)."""
        offered = _capabilities(responses)
        if not offered:
            with contextlib.suppress(_Refused):
                offered = _capabilities(await self._command(b"CAPABILITY"))
        self._offered = offered

    async def _command(self, *words: bytes) -> list[Response]:
        """What came, the answer last. Raises _Refused."""
        return await self._answer(self._send(*words))

    def _send(self, *words: bytes) -> bytes:
        self._tags += 1
        tag = b"w%d" % self._tags
        self._line.send(b" ".join((tag, *words)) + b"\r\n")
        return tag

    async def _answer(self, tag: bytes, heard: Callable[[], None] = lambda: None) -> list[Response]:
        """What comes until the answer. Raises _Refused, or ConnectionFailed if the server says anything but that."""
        responses: list[Response] = []
        until = asyncio.get_running_loop().time() + ANSWER
        while True:
            response = await self._next(until - asyncio.get_running_loop().time())
            self._heed(response, heard)
            if response.tag == tag:
                break
            if len(responses) < _UNTAGGED:
                responses.append(response)
        if response.kind != b"OK":
            raise _Refused(response)
        return [*responses, response]

    async def _next(self, seconds: float = ANSWER) -> Response:
        response = await self._line.next(max(0.0, seconds))
        if response is None:
            raise self._silent()
        return response

    def _heed(self, response: Response, heard: Callable[[], None]) -> None:
        if response.kind == b"BYE":
            raise ConnectionFailed(f"{self._login.host} hung up: {self._words(response)}")
        if response.code == b"NOTIFICATIONOVERFLOW":  # it tells no more from here on (RFC 5465 §5.8)
            raise ConnectionFailed(f"{self._login.host} had more to tell than it can.")
        if self._hearing.tells(response):
            heard()

    def _silent(self) -> ConnectionFailed:
        return ConnectionFailed(f"{self._login.host} did not answer within {ANSWER:g} seconds.")

    def _words(self, response: Response) -> str:
        """What the server said, without the password if it repeats that."""
        code = b"[%s] " % response.code if response.code else b""
        text = without_password((code + response.text).decode("utf-8", "replace"), self._login)
        return readable(text.encode("utf-8", "replace"))


def _capabilities(responses: list[Response]) -> frozenset[bytes]:
    """Upper case."""
    listed = [each.argument for each in responses if each.code == b"CAPABILITY"]
    listed += [each.text for each in responses if each.kind == b"CAPABILITY"]
    return frozenset(listed[-1].upper().split()) if listed else frozenset()


def _quoted(text: str) -> bytes:
    """A quoted string (RFC 3501 §4.3) of printable ASCII."""
    return b'"' + text.replace("\\", "\\\\").replace('"', '\\"').encode("ascii") + b'"'
