"""What is settled with a server right after the login: its capabilities, who we are, what is switched on."""

from mail.imap.reader import Data, Status
from mail.imap.wire import Command, CommandRefused, Wire

_WHO = b'ID ("name" "Syncfarm")'  # RFC 2971; 163.com and its sisters let nobody select a folder who does not say


def negotiate(wire: Wire, announced: bytes) -> tuple[frozenset[str], frozenset[str]]:
    """(capabilities offered, extensions enabled), upper case; `announced` is what came with the login, if anything."""
    offered = _names([announced]) or _ask(wire)
    wire.literal_plus = "LITERAL+" in offered
    commands: list[Command] = []
    if "ID" in offered:
        commands.append((_WHO,))
    if "ENABLE" in offered and "QRESYNC" in offered:
        commands.append((b"ENABLE QRESYNC CONDSTORE",))
    enabled: frozenset[str] = frozenset()
    for answer in wire.run_all(commands):
        if not isinstance(answer, CommandRefused):
            enabled |= _listed(answer, b"ENABLED")
    return offered, enabled


def _ask(wire: Wire) -> frozenset[str]:
    try:
        return _listed(wire.run(b"CAPABILITY"), b"CAPABILITY")
    except CommandRefused:  # then nothing is used that need be offered
        return frozenset()


def _listed(responses: list[Data | Status], kind: bytes) -> frozenset[str]:
    listed = (response for response in responses if isinstance(response, Data) and response.kind == kind)
    return frozenset().union(*(_names([each for each in one.items if isinstance(each, bytes)]) for one in listed))


def _names(words: list[bytes]) -> frozenset[str]:
    return frozenset(name.upper() for word in words for name in word.decode("ascii", "replace").split())
