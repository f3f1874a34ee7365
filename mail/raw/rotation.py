"""Upkeep that has to look at all accounts looks at one part of them at a time: those whose id begins with one octet."""

from uuid import UUID

PARTS = 256


def prefix(part: int) -> str:
    """What the hex ids of a part begin with."""
    return f"{part:02x}"


def bounds(part: int) -> tuple[UUID, UUID]:
    """The lowest and the highest id of a part."""
    return UUID(prefix(part) + "0" * 30), UUID(prefix(part) + "f" * 30)
