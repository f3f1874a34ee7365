"""Mutations that keep to the form of what is fuzzed: lines, items, delimiters of other inputs, spliced in."""

import random
from collections.abc import Callable

from bench.parsing_mutants import doubled, flipped, shortened, truncated

DAMAGES = (flipped, shortened, doubled, truncated)

Mutate = Callable[[bytes, int], bytes]


def mutator(pieces: list[bytes], blind: Mutate) -> Callable[[bytes, int, int], bytes]:
    """(input, largest size, seed) to another input, as libFuzzer asks for it. `blind`: libFuzzer's own mutations."""

    def mutated(octets: bytes, largest: int, seed: int) -> bytes:
        chance = random.Random(seed)
        for _ in range(chance.choice((1, 1, 2, 4))):
            octets = _once(chance, octets, largest, pieces, blind)[:largest] or b"\n"
        return octets

    return mutated


def _once(chance: random.Random, octets: bytes, largest: int, pieces: list[bytes], blind: Mutate) -> bytes:
    which = chance.random()
    if which < 0.3:
        return blind(octets, largest)
    if which < 0.5:
        return chance.choice(DAMAGES)(chance, octets)
    return _spliced(chance, octets, chance.choice(pieces))


def _spliced(chance: random.Random, octets: bytes, piece: bytes) -> bytes:
    """A piece stands in the input: at the beginning of a line, of a word, or anywhere; perhaps instead of that."""
    at = chance.randrange(len(octets))
    mark = chance.choice((b"\n", b"\n", b" ", b""))
    start = octets.find(mark, at) + len(mark) if mark and mark in octets[at:] else at
    end = octets.find(mark, start) if mark and chance.random() < 0.3 else start
    return octets[:start] + piece + octets[end if end >= start else len(octets) :]
