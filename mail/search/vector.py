"""A message's words as a tsvector, within every limit that PostgreSQL sets to one."""

import re
from collections import defaultdict
from collections.abc import Iterable

from mail.search.words import terms

# A tsvector: lexemes and positions of at most 1 MB, positions up to 16,383, 255 of them a lexeme. Each field has its
# share of the positions, so that two thousand recipients cannot push the body beyond the last one; words after the end
# of a share are found, but not as part of a phrase.
_BYTES = 500_000
_POSITIONS = {"A": range(1, 500), "B": range(510, 1_000), "C": range(1_010, 4_000), "D": range(4_010, 16_380)}
_PER_LEXEME = 250

# A whole line's worth of base64, as in armoured keys and mails that were never decoded.
_MONSTER = re.compile(r"(?<!\S)[A-Za-z0-9+/=]{60,}(?!\S)")


def vector(fields: Iterable[tuple[str, str]]) -> str:
    """The tsvector literal of (weight, text) pairs, most important first: what comes after the limit is not indexed."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    next_position = {weight: share.start for weight, share in _POSITIONS.items()}
    room = _BYTES
    for weight, text in fields:
        last = _POSITIONS[weight].stop - 1
        position = next_position[weight]
        for term in terms(_MONSTER.sub(" ", text)):
            if room <= 0:
                break
            if term.whole:
                room -= _put(places, term.whole, position, weight)
            for lexeme in term.lexemes:
                room -= _put(places, lexeme, position, weight)
                position = min(position + 1, last)
        next_position[weight] = min(position + 2, last)  # no phrase runs from one field into the next
    return " ".join(f"{quoted(lexeme)}:{','.join(where)}" for lexeme, where in places.items())


def quoted(lexeme: str) -> str:
    """The lexeme as tsvector and tsquery literals spell it."""
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def _put(places: defaultdict[str, list[str]], lexeme: str, position: int, weight: str) -> int:
    """Note where the lexeme stands; returns the bytes it takes at most."""
    where = places[lexeme]
    if len(where) >= _PER_LEXEME:
        return 0
    where.append(f"{position}{weight}")
    return 2 if len(where) > 1 else len(lexeme.encode()) + 6
