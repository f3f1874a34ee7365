"""Waiting for what another process or thread does, for tests."""

import time
from collections.abc import Callable


def wait_until(fact: Callable[[], object], seconds: float = 30.0) -> None:
    """Until the fact holds; an AssertionError where it does not within that time."""
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, f"not within {seconds:g} s"
        time.sleep(0.02)
