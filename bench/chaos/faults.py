"""What a bad network does to a connection: drawn at random, and done to the bytes. No sockets here.

Corruption keeps to what a client can notice without TLS. A byte changed inside a message, a flag or a UID gives another
message, flag or UID that is as good as the true one: nobody could tell. So a line of the protocol gets a NUL, which no
line of IMAP may hold (RFC 3501 §9, CHAR8), or a literal's length is told wrong, which puts the stream out of step.
Mails with another octet happen only if they are asked for ("octet"): then `audit --repair` comes before the checks.
"""

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass

# Shares of all connections. A fault that would strike after the connection has ended strikes nobody.
ODDS: Mapping[str, float] = {"cut": 0.08, "reset": 0.08, "stall": 0.06, "NUL": 0.05, "wrong length": 0.04}
UNNOTICEABLE = "octet"
CORRUPTIONS = frozenset({"NUL", "wrong length", UNNOTICEABLE})
SECONDS = (0.2, 4.0)  # of a stall
LONG = 40.0  # seconds, of one stall in twenty: longer than the product waits for an answer

_LITERAL = re.compile(rb"\{(\d{1,12})\}\r?\n$")


@dataclass(frozen=True, slots=True)
class Fault:
    """`after`: octets that pass unharmed before. `in_answers`: it strikes what the server says, else the client."""

    kind: str
    in_answers: bool
    after: int
    seconds: float = 0.0


def draw(chance: random.Random, odds: Mapping[str, float]) -> Fault | None:
    """What a new connection is to suffer, if anything. Each power of ten of octets is as likely as the next."""
    kinds = [*odds, ""]
    kind = chance.choices(kinds, weights=[*odds.values(), max(0.0, 1 - sum(odds.values()))])[0]
    in_answers = kind in CORRUPTIONS or chance.random() < 0.7
    after = int(10 ** chance.uniform(0, 5.0 if in_answers else 3.3))
    seconds = LONG if chance.random() < 0.05 else chance.uniform(*SECONDS)
    return Fault(kind, in_answers, after, seconds) if kind else None


class Corruption:
    """Damages a server's answers once: one of their lines, or for "octet" what is inside a literal."""

    def __init__(self, fault: Fault, chance: random.Random) -> None:
        self.done = False
        self._fault = fault
        self._chance = chance
        self._line = b""  # its beginning; the rest is on its way
        self._literal = 0  # octets of it still to come
        self._passed = 0

    def feed(self, data: bytes, *, harmless: bool) -> bytes:
        """The octets to pass on now, with the damage once it is due. A line is kept until it is whole."""
        passed = []
        data = self._line + data
        while data:
            if self._literal:
                piece, data = data[: self._literal], data[self._literal :]
                self._literal -= len(piece)
                piece = self._other_octet(piece, harmless=harmless)
            else:
                piece, end, data = data.partition(b"\n")
                if not end:
                    self._line = piece
                    break
                piece = self._pass(piece + end, harmless=harmless)
            self._passed += len(piece)
            passed.append(piece)
        else:
            self._line = b""
        return b"".join(passed)

    def rest(self) -> bytes:
        """What is left at the end of the stream."""
        return self._line

    def _pass(self, line: bytes, *, harmless: bool) -> bytes:
        literal = _LITERAL.search(line)
        self._literal = int(literal[1]) if literal else 0
        if harmless or self.done or self._passed < self._fault.after:
            return line
        if self._fault.kind == "NUL" and len(line) > 2:
            self.done = True
            at = self._chance.randrange(len(line) - 2)
            return line[:at] + b"\0" + line[at + 1 :]
        if self._fault.kind == "wrong length" and literal:
            self.done = True
            return line[: literal.start()] + b"{%d}\r\n" % self._other(self._literal)
        return line

    def _other_octet(self, piece: bytes, *, harmless: bool) -> bytes:
        due = self._passed + len(piece) > self._fault.after
        if harmless or self.done or not due or self._fault.kind != UNNOTICEABLE:
            return piece
        self.done = True
        at = self._chance.randrange(len(piece))
        return piece[:at] + bytes([piece[at] ^ 1]) + piece[at + 1 :]

    def _other(self, length: int) -> int:
        """A length that is not this one."""
        other = self._chance.randint(0, 2 * length)
        return other if other != length else length + 1
