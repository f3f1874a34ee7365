"""How a server is: what it offers and in which of the allowed ways it answers; and what goes wrong with it for a while."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

OFFERED = {
    "qresync": ("ENABLE", "CONDSTORE", "QRESYNC"),
    "condstore": ("CONDSTORE",),
    "full": (),
}
EXTRAS = (
    "ESEARCH",
    "LIST-STATUS",
    "SPECIAL-USE",
    "LIST-EXTENDED",
    "OBJECTID",
    "LITERAL+",
    "ID",
    "UIDPLUS",
    "UIDPLUS",
    "MOVE",
)


@dataclass(frozen=True, slots=True)
class Manner:
    """A server's ways. The first of each is the plain one.

    `shuffles`: answers, messages and items in any order; `chatty`: says what nobody asked for; `late`: tells of
    others' changes when it likes; `forgetful`: keeps no list of what was expunged (RFC 7162 §3.2.6); `literals`: sends
    strings as literals; `keeps_uidnext`: SELECT does not tell it; `keeps_uids`: nor do COPYUID and APPENDUID where mail
    went (RFC 4315 §3 allows that where UIDs are not sticky); `seed`: of all its choices.
    """

    capabilities: frozenset[str] = frozenset()
    shuffles: bool = False
    chatty: bool = False
    late: bool = False
    forgetful: bool = False
    literals: bool = False
    keeps_uidnext: bool = False
    keeps_uids: bool = False
    seed: int = 0

    def chance(self) -> random.Random:
        """Its choices, the same each time."""
        return random.Random(self.seed)


@dataclass(slots=True)
class Trouble:
    """What goes wrong during one turn, and when; commands are counted from 0 over all connections.

    `drop`: the line breaks after so many octets of the server's. `bye`, `refuse`, `refuse_late`: that command gets BYE,
    or NO with `code` before or after half of its answer. `stale`: STATUS and EXISTS are off by so many.
    `before` is called before each command is carried out, `after` before it is answered then.
    """

    drop: int | None = None
    bye: int | None = None
    refuse: int | None = None
    refuse_late: int | None = None
    code: str = "UNAVAILABLE"
    stale: int = 0
    before: Callable[[int], None] = lambda _number: None
    after: Callable[[int], None] = lambda _number: None


_T = TypeVar("_T")


def shuffled(chance: random.Random, things: Sequence[_T], *, really: bool) -> list[_T]:
    """The things in another order, if really."""
    return chance.sample(things, len(things)) if really else list(things)
