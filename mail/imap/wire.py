"""Sends commands over a connection that is logged in and reads their answers with our own reader."""

import contextlib
import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from mail.imap.alerts import Alerts
from mail.imap.failures import connection_errors
from mail.imap.names import Literal
from mail.imap.opening import Connection
from mail.imap.orders import Orders
from mail.imap.reader import ConnectionEnded, Data, ProtocolBroken, ResponseReader, Status
from mail.types import ConnectionFailed, Login

Command = Sequence[bytes | Literal]
Hearer = Callable[[list[Data | Status]], None]

# What the tagged answer alone tells (RFC 4315 §3). It comes after the untagged responses, as one of them.
_OF_THE_ANSWER = frozenset({b"COPYUID", b"APPENDUID"})
_LARGE = 65_536  # octets of a literal that is sent by itself: a whole message is not copied once more
_PIPELINE = 50  # commands under way at once: their answers, some 100 octets each, fit into any socket's buffer


def _has_literal(command: Command) -> bool:
    return any(isinstance(part, Literal) for part in command)


class CommandRefused(Exception):
    """The server answered NO or BAD; `understood` tells that it was NO. `code` is the response code (RFC 5530), upper
    case, or empty."""

    def __init__(self, answer: Status) -> None:
        super().__init__(answer.text or answer.kind.decode())
        self.understood = answer.kind == b"NO"
        self.code = answer.code
        self.text = answer.text or answer.kind.decode()


def _of_the_answer(tagged: Status) -> Iterator[Status]:
    """What comes of the tagged answer. Raises CommandRefused."""
    if tagged.kind != b"OK":
        raise CommandRefused(tagged)
    if tagged.code in _OF_THE_ANSWER:
        yield tagged


class Wire:
    """One connection. A command whose answer is not read to its end closes it: nothing after would be in step."""

    def __init__(self, connection: Connection, login: Login, timeout: float) -> None:
        self._connection = connection
        self.watch = connection.watch
        self._login, self._timeout = login, timeout
        self._reader = ResponseReader(connection.stream)
        self._tags = 0
        self._under_way = False
        self._ahead: list[tuple[bytes, Hearer]] = []
        self._awaited: deque[tuple[bytes, Hearer]] = deque()
        self._orders: Orders[Data | Status] = Orders(self._until, CommandRefused)
        self._alerts = Alerts(login)
        self.heed: Callable[[Status], None] = lambda _status: None  # is given what has a response code, as it is read
        self.literal_plus = False  # LITERAL+ (RFC 7888): literals need no go-ahead
        self.closed = self.garbled = False  # garbled: what came was not IMAP

    def run(self, *command: bytes | Literal) -> list[Data | Status]:
        """The untagged responses to a command. Raises CommandRefused or ConnectionFailed."""
        return list(self.stream(*command))

    def stream(self, *command: bytes | Literal) -> Iterator[Data | Status]:
        """The untagged responses as they arrive, of an earlier `order` of the same command if there was one. Raises
        CommandRefused after the last of them, or ConnectionFailed."""
        try:
            with self._speaking():
                self._hear()
                yield from self._orders.taken(command) or self._answers(self._send(command))
        except CommandRefused as refused:
            if refused.understood or not (self.literal_plus and _has_literal(command)):
                raise
            self.literal_plus = False  # it took the literal for commands, and its complaints about them are passed over
            yield from self.stream(*command)

    def run_all(self, commands: Sequence[Command]) -> Iterator[list[Data | Status] | CommandRefused]:
        """Each command's untagged responses or its refusal, in order, for few round trips (RFC 3501 §5.5)."""
        for literal, group in itertools.groupby(commands, _has_literal):
            while volley := list(itertools.islice(group, _PIPELINE)):
                for command in volley if not literal else ():
                    self.order(*command)
                yield from map(self._answer_to, volley)

    def _answer_to(self, command: Command) -> list[Data | Status] | CommandRefused:
        try:
            return self.run(*command)
        except CommandRefused as refused:
            return refused

    def order(self, *command: bytes | Literal) -> None:
        """Send a command without literals whose answer is asked for later, by the same words; what it brings may come
        to who asks for something before. Never fails: who asks does. No more than fits into a socket's buffer."""
        if not self.closed:
            tag = self._next_tag()
            self._orders.add(command, tag)
            with contextlib.suppress(OSError):
                self._send(command, tag)

    def forget_orders(self) -> None:
        """Nobody asks any more for what was ordered. Raises ConnectionFailed."""
        with self._speaking():
            self._hear()
            for _ in self._orders.rest():
                pass
        self._orders.forget()

    def ahead(self, command: bytes, hear: Hearer) -> None:
        """Have a command travel with the next one, so that both cost one round trip. `hear` gets its untagged
        responses, unless it is refused, before the next one's are read."""
        self._ahead.append((command, hear))

    def settle(self) -> None:
        """Do not wait for a next command with what is to travel ahead of it. Raises ConnectionFailed."""
        if self._ahead:
            with self._speaking():
                self._connection.send(self._lead())
                self._hear()

    def log_out(self, timeout: float) -> None:
        """Take leave of the server if it listens, within `timeout` seconds, and close."""
        if not (self.closed or self._under_way):
            with contextlib.suppress(OSError, ConnectionFailed, CommandRefused, ConnectionEnded, ProtocolBroken):
                self._connection.sock.settimeout(timeout)
                self.watch.allow(timeout)
                self._ahead.clear()
                for _ in self._answers(self._send((b"LOGOUT",))):
                    pass
        self.close()

    @property
    def is_idle(self) -> bool:
        """Whether nothing is under way."""
        return not (self._under_way or self._ahead or self._awaited) and self._orders.are_read

    def compress(self) -> None:
        """All that follows is compressed, both ways; while it is idle."""
        self._connection.compress()
        self._reader = ResponseReader(self._connection.stream)

    def pace(self) -> None:
        """The login is over: from now on the server has time as long as it gets ahead (mail.line.watch)."""
        self.watch.pace()

    def stop(self, reason: str) -> None:
        """Make whatever command is under way fail for this reason, and all that follow. From any thread."""
        self.watch.cut(reason)

    def close(self) -> None:
        """Close the connection without a word."""
        self.closed = True
        self._connection.shutdown()

    @contextmanager
    def _speaking(self) -> Iterator[None]:
        if self._under_way:
            self.close()
        self._check_open()
        self._under_way = True
        in_step = False
        try:
            with self.watch.waiting(), connection_errors(self._login, self._timeout), self._reading_errors():
                yield
            in_step = True
        except CommandRefused:
            in_step = True
            raise
        finally:
            self._under_way = False
            if not in_step:
                self.close()

    def _check_open(self) -> None:
        if self.closed:
            raise ConnectionFailed(f"The connection to {self._login.host} is closed.")

    @contextmanager
    def _reading_errors(self) -> Iterator[None]:
        try:
            yield
        except ConnectionEnded as error:
            raise ConnectionFailed(f"{self._login.host} dropped the connection.") from error
        except ProtocolBroken as error:
            self.garbled = True
            raise ConnectionFailed(f"{self._login.host} sent what is not IMAP: {error}") from error

    def _send(self, command: Command, tag: bytes = b"") -> bytes:
        """Send a command and return its tag."""
        pending = self._lead()
        tag = tag or self._next_tag()
        pending += tag
        for part in command:
            if isinstance(part, bytes):
                pending += b" " + part
                continue
            self._connection.send(pending + b" {%d%s}\r\n" % (len(part.octets), b"+" if self.literal_plus else b""))
            if not self.literal_plus:
                self._await_go_ahead(tag)
            pending = part.octets
            if len(pending) > _LARGE:
                self._connection.send(pending)
                pending = b""
        self._connection.send(pending + b"\r\n")
        return tag

    def _next_tag(self) -> bytes:
        self._tags += 1
        return b"F%d" % self._tags

    def _lead(self) -> bytes:
        """The commands that go ahead, as they are sent."""
        lead = b""
        for command, hear in self._ahead:
            tag = self._next_tag()
            lead += tag + b" " + command + b"\r\n"
            self._awaited.append((tag, hear))
        self._ahead.clear()
        return lead

    def _hear(self) -> None:
        while self._awaited:
            tag, hear = self._awaited.popleft()
            with contextlib.suppress(CommandRefused):
                hear(list(self._until(tag)))

    def _await_go_ahead(self, tag: bytes) -> None:
        for _ in self._answers(tag, until_go_ahead=True):
            pass

    def _answers(self, tag: bytes, *, until_go_ahead: bool = False) -> Iterator[Data | Status]:
        """What arrives until the tagged answer, or until the server asks for the literal."""
        self._hear()
        yield from self._orders.rest()
        yield from self._until(tag, until_go_ahead=until_go_ahead)

    def _note(self, status: Status) -> None:
        if status.code == b"ALERT":
            self._alerts.tell(status)
        self.heed(status)

    def _until(self, tag: bytes, *, until_go_ahead: bool = False) -> Iterator[Data | Status]:
        read = self._reader.next
        while True:
            self._check_open()  # another command may have come in between
            response = read()
            if isinstance(response, Status) and response.code:
                self._note(response)
            if isinstance(response, Data) or (response.tag == b"*" and response.kind != b"BYE"):
                yield response
            elif response.kind == b"BYE":
                raise ConnectionFailed(f"{self._login.host} closed the connection: {response.text}")
            elif response.tag == b"+" and until_go_ahead:
                return
            elif response.tag == tag:
                yield from _of_the_answer(response)
                return
