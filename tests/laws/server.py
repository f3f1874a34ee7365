"""The model behind a port of 127.0.0.1, with the trouble of the turn under way."""

import contextlib
import itertools
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from bench.listener import Listener
from mail.types import Login
from tests.laws.commands import Token, read_command
from tests.laws.conversation import PASSWORD, USER, Conversation, Hangup, Refused
from tests.laws.manner import Manner, Trouble
from tests.laws.model import Folder, Mailbox


class LineBroken(Exception):
    """The connection is to break here."""


class ModelServer(Listener):
    """Serves a mailbox in the given manner.

    `heard`: the commands of the turn, without tags; `withheld`: (folder, uid) -> how many times more it is not handed
    out.
    """

    def __init__(self, mailbox: Mailbox, manner: Manner) -> None:
        super().__init__()
        self.mailbox = mailbox
        self.heard: list[list[Token]] = []
        self.withheld: dict[tuple[Folder, int], int] = {}
        self._manner = manner
        self._chance = manner.chance()
        self._trouble = Trouble()
        self._sent = 0
        self._attending: list[threading.Thread] = []
        self.errors: list[BaseException] = []

    @property
    def login(self) -> Login:
        """How to reach it."""
        return Login("127.0.0.1", self.port, "none", USER, PASSWORD, trusted=True)

    @contextmanager
    def troubled(self, trouble: Trouble) -> Iterator[None]:
        """A turn with this trouble; what was heard before is forgotten. Ends when the last of its connections has."""
        self.heard.clear()
        self._sent = 0
        self._trouble = trouble
        try:
            yield
        finally:
            while self._attending:
                attending = self._attending.pop(0)
                attending.join(timeout=60)
                assert not attending.is_alive(), "a connection was left open"
            self.relieve()
        if self.errors:
            raise self.errors.pop()

    def relieve(self) -> None:
        """The trouble of this turn is over."""
        self._trouble = Trouble()

    def attend(self, connection: socket.socket) -> None:
        attending = threading.Thread(target=self._attend, args=(connection,), daemon=True)
        attending.start()
        self._attending.append(attending)

    def _attend(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError, EOFError):
            try:
                self._converse(connection)
            except LineBroken:
                # What was sent arrives first, whatever the client was about to say.
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass
            except (OSError, EOFError):
                raise
            except BaseException as error:  # noqa: BLE001 -- raised again where the turn ends
                self.errors.append(error)

    def _converse(self, connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        conversation = Conversation(self.mailbox, self._manner, self._chance, self._withholds)
        self._say(connection, b"* OK model\r\n")
        for _ in itertools.count():
            tag, name, *arguments = read_command(stream, lambda: connection.sendall(b"+ go on\r\n"))
            assert isinstance(tag, bytes)
            assert isinstance(name, bytes)
            self._answer(connection, conversation, tag, name.upper(), arguments)
            if name == b"LOGOUT":
                return

    def _answer(
        self, connection: socket.socket, conversation: Conversation, tag: bytes, name: bytes, arguments: list[Token]
    ) -> None:
        trouble, number = self._trouble, len(self.heard)
        self.heard.append([name, *arguments])
        trouble.before(number)
        if number == trouble.bye:
            self._hang_up(connection, "not now")
        conversation.stale = trouble.stale
        refusal = b"%s NO [%s] not now\r\n" % (tag, trouble.code.encode())
        late = number == trouble.refuse_late
        if number == trouble.refuse or (late and conversation.undoes(name, arguments)):
            self._say(connection, refusal)
            return
        try:
            said = list(conversation.answer(name, arguments, halfway=late))
        except Refused as refused:
            self._say(connection, b"%s NO %s\r\n" % (tag, str(refused).encode()))
        except Hangup as hangup:
            self._hang_up(connection, str(hangup))
        else:
            trouble.after(number)
            self._say(connection, b"".join(said[: len(said) // 2] if late else said))
            self._say(connection, refusal if late else b"%s OK %sdone\r\n" % (tag, conversation.code))

    def _hang_up(self, connection: socket.socket, why: str) -> None:
        self._say(connection, b"* BYE %s\r\n" % why.encode())
        raise LineBroken

    def _say(self, connection: socket.socket, words: bytes) -> None:
        drop = self._trouble.drop
        room = len(words) if drop is None else max(drop - self._sent, 0)
        self._sent += len(words)
        connection.sendall(words[:room])
        if room < len(words):
            raise LineBroken

    def _withholds(self, folder: Folder, uid: int) -> bool:
        left = self.withheld.get((folder, uid), 0)
        self.withheld[folder, uid] = left - 1
        return left > 0
