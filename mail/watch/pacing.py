"""How fast: connections to one host, syncs after a start, and tries after a failure."""

import asyncio
import weakref
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

CONNECTS = 10.0  # a second to one host, so that a restart does not storm it
AT_ONCE = 5  # logins under way at one host
FIRST, LAST = 1.0, 300.0  # seconds until the next try


class Bucket:
    """Lets `rate` through a second, the first `burst` at once. Pure: `now` is an argument, in seconds."""

    def __init__(self, rate: float, burst: int) -> None:
        self._gap = 1 / rate
        self._tolerance = (burst - 1) / rate
        self._next = 0.0

    def take(self, now: float) -> float:
        """Seconds that who comes now has to wait; the place is taken."""
        self._next = max(self._next, now)
        wait = max(0.0, round(self._next - self._tolerance - now, 6))
        self._next += self._gap
        return wait


def reconnect_delay(failures: int, chance: float) -> float:
    """Seconds until the next try after so many failures in a row (>= 1): doubles each time, capped, and spread over the
    latter half of that, since one server's accounts lose it together. 0 <= chance < 1."""
    return min(LAST, FIRST * 2.0 ** min(failures - 1, 16)) * (0.5 + chance / 2)


class Gate:
    """The way to one host."""

    def __init__(self) -> None:
        self._bucket = Bucket(CONNECTS, AT_ONCE)
        self._few = asyncio.Semaphore(AT_ONCE)

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        """The block connects and logs in."""
        async with self._few:
            await asyncio.sleep(self._bucket.take(asyncio.get_running_loop().time()))
            yield


class Gates:
    """Those of all hosts, each as long as somebody holds it."""

    def __init__(self) -> None:
        self._gates: weakref.WeakValueDictionary[str, Gate] = weakref.WeakValueDictionary()

    def of(self, host: str) -> Gate:
        """The host's."""
        gate = self._gates.get(host.lower())
        if gate is None:
            gate = self._gates[host.lower()] = Gate()
        return gate
