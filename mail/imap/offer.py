"""What may be used of what a server offers: some advertise an extension and fail at it.

A command that needs an extension is asked in another way when the server refuses it. If that way works, the extension
is at fault, and is left alone from then on; whoever opens the session may remember that for the next one.
"""

import re
from collections.abc import Iterator

from mail.imap.capabilities import Extensions
from mail.imap.reader import Data, Status
from mail.imap.wire import Command, CommandRefused, Wire

Way = tuple[str, Command]  # the extension that the command needs or "", and the command

STRUCTURE = "BODYSTRUCTURE"  # no extension: RFC 3501 has it, yet it is what servers fail at most, and it can be spared

# Refusals that are about this folder or this moment (RFC 5530 §3); Exchange and others send such in words only.
_NOT_ITS_FAULT = frozenset(
    {
        b"NONEXISTENT", b"TRYCREATE", b"NOPERM", b"INUSE", b"UNAVAILABLE", b"OVERQUOTA", b"LIMIT", b"THROTTLED",
        b"SERVERBUG", b"EXPUNGEISSUED", b"CONTACTADMIN", b"CORRUPTION", b"AUTHORIZATIONFAILED", b"EXPIRED",
        b"PRIVACYREQUIRED",
    }
)  # fmt: skip
_GONE = re.compile(r"(doesn't|does not|not) exist|no such|non-?existent|unknown (mailbox|folder)", re.IGNORECASE)


class Offer:
    """The extensions of one session's server."""

    def __init__(self, wire: Wire, extensions: Extensions, without: frozenset[str]) -> None:
        """`without`: what the server is known to fail at."""
        self.wire = wire
        self.offered = extensions.offered
        self._extensions = extensions
        self._without = without
        self._failed: set[str] = set()
        wire.literal_plus = self.has("LITERAL+")

    @property
    def failed(self) -> frozenset[str]:
        """What the server offers and failed at in this session, FETCH items among it."""
        broken = {"LITERAL+"} if self.has("LITERAL+") and not self.wire.literal_plus else set[str]()
        return frozenset(self._failed | broken)

    def has(self, extension: str) -> bool:
        """Whether the server offers it and has not been seen to fail at it."""
        return (extension in self.offered or extension == STRUCTURE) and self.believes(extension)

    @property
    def strategy(self) -> str:
        """How changes are found: "qresync", "condstore" or "full"."""
        if self.has("QRESYNC") and "QRESYNC" in self._extensions.enabled:
            return "qresync"
        return "condstore" if self.has("CONDSTORE") else "full"

    def ask(self, *ways: Way) -> Iterator[Data | Status]:
        """The untagged responses to the first of the ways that works; the last needs no extension.

        Raises CommandRefused, with the last way's answer, or at once where the refusal is not the extension's fault.
        """
        suspects: list[str] = []
        for extension, command in ways:
            if extension and not self.has(extension):
                continue
            try:
                yield from self.wire.stream(*command)
            except CommandRefused as refused:
                if not _gives_way(extension, refused):
                    raise
                if may_be_the_extension(refused):
                    suspects.append(extension)
            else:
                self.blame(*suspects)
                return

    def order(self, *ways: Way) -> None:
        """Have the server begin with what `ask` is going to ask for."""
        self.wire.order(*next(command for extension, command in ways if not extension or self.has(extension)))

    def believes(self, item: str) -> bool:
        """Whether a FETCH item has not been found wrong; that may be blamed as an extension is."""
        return item not in self._without and item not in self._failed

    def blame(self, *extensions: str) -> None:
        """The server failed at these, and not at the same command without them."""
        self._failed.update(extensions)


def _gives_way(extension: str, refused: CommandRefused) -> bool:
    """Whether a refused command is to be asked without the extension that it uses."""
    if extension == "OBJECTID":  # the ids of messages hang on it: given up only where it is not understood
        return not refused.understood
    if extension == STRUCTURE:  # a message without it is better than none, also where this one's fails
        return not says_gone(refused)
    return bool(extension) and may_be_the_extension(refused)


def may_be_the_extension(refused: CommandRefused) -> bool:
    """Whether a command could be refused because of the extension it uses: BAD, or NO for no other reason given."""
    return not refused.understood or not (refused.code in _NOT_ITS_FAULT or says_gone(refused))


def says_gone(refused: CommandRefused) -> bool:
    """Whether a refusal means that the folder does not exist; Dovecot 2.3 and older servers send no code."""
    if refused.code:
        return refused.code in {b"NONEXISTENT", b"TRYCREATE"}
    return bool(_GONE.search(refused.text))
