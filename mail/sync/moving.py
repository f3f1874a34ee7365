"""How a message gets into the folders in which it is to be: pure."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from mail.types import Place


class Step(NamedTuple):
    """`place` is moved or copied to the folder `target`, or, without one, removed."""

    place: Place
    target: UUID | None
    stays: bool = False  # it is copied


def steps(wanted: Iterable[UUID], places: Sequence[Place]) -> list[Step]:
    """What makes a message be in these folders and no others. Nothing where it is so already: what was carried out
    unnoticed is not repeated once its places were looked at."""
    there = {place.folder for place in places}
    missing = sorted(set(wanted) - there)
    surplus = [place for place in places if place.folder not in set(wanted)]
    moved = [Step(place, target) for place, target in zip(surplus, missing, strict=False)]
    removed = [Step(place, None) for place in surplus[len(missing) :]]
    copied = [Step(places[0], target, stays=True) for target in missing[len(surplus) :]] if places else []
    # Copies first, while the place that they are made of is there; removals last, when all is where it should be.
    return [*copied, *moved, *removed]
