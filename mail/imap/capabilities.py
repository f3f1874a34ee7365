"""What is settled with a server right after the login: its capabilities, who we are, what is switched on."""

from mail.imap.reader import Data, Status
from mail.imap.wire import CommandRefused, Wire
from mail.types import ConnectionFailed

WHO = b'ID ("name" "Syncfarm")'  # RFC 2971; 163.com and its sisters let nobody select a folder who does not say


class Extensions:
    """What a server offers, upper case. Who we are and what to switch on travels with the first command."""

    def __init__(self, wire: Wire, announced: bytes) -> None:
        """`announced` is what came with the login, if anything."""
        self.offered = _names([announced]) or _ask(wire)
        self._wire = wire
        self._enabled: frozenset[str] = frozenset()
        wire.literal_plus = "LITERAL+" in self.offered
        if "ID" in self.offered:
            wire.ahead(WHO, lambda _answer: None)
        if "ENABLE" in self.offered and "QRESYNC" in self.offered:
            wire.ahead(b"ENABLE QRESYNC CONDSTORE", self._note)

    @property
    def enabled(self) -> frozenset[str]:
        """What is switched on; asks the server unless a command was sent by now. Raises ConnectionFailed."""
        self._wire.settle()
        return self._enabled

    def _note(self, answer: list[Data | Status]) -> None:
        self._enabled = _listed(answer, b"ENABLED")


def _ask(wire: Wire) -> frozenset[str]:
    """Raises ConnectionFailed where the server says NO, which is about this moment: without its ids (RFC 8474), say,
    mail would be known by other names until the next session."""
    try:
        return _listed(wire.run(b"CAPABILITY"), b"CAPABILITY")
    except CommandRefused as refused:
        if refused.understood:
            raise ConnectionFailed(f"The server does not tell what it can do: {refused}") from refused
        return frozenset()  # then nothing is used that need be offered


def _listed(responses: list[Data | Status], kind: bytes) -> frozenset[str]:
    listed = (response for response in responses if isinstance(response, Data) and response.kind == kind)
    return frozenset().union(*(_names([each for each in one.items if isinstance(each, bytes)]) for one in listed))


def _names(words: list[bytes]) -> frozenset[str]:
    return frozenset(name.upper() for word in words for name in word.decode("ascii", "replace").split())
