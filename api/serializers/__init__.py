"""Rows to the contract's objects, each list in a number of queries that does not grow with it."""

from datetime import datetime


def unix(moment: datetime | None) -> int | None:
    """A time as the contract has it, in Unix seconds."""
    return None if moment is None else int(moment.timestamp())
