"""Kills the farm's processes at random moments of a run."""

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable

import redis

from bench.chaos.farm import Farm
from bench.chaos.pace import Pace

# What is done, and how often beside the others.
KILLS = {
    "worker-dispatch": 4, "worker-sync": 4, "worker-action": 4, "watch": 4, "beat": 4, "web": 2, "valkey": 2,
    "flush of valkey": 4,
    "postgres": 1, "immediate stop of postgres": 1, "fast stop of postgres": 1,
}  # fmt: skip
_SIGNALS = {"immediate stop": signal.SIGQUIT, "fast stop": signal.SIGINT}  # PostgreSQL's own words
# The launcher gives a process up that ends five times within a minute. Those that PostgreSQL takes along count too.
_DEATHS, _MINUTE = 2, 62.0


class Killer(threading.Thread):
    """Spreads `kills` over the run. `done` counts them by kind."""

    def __init__(self, farm: Farm, pace: Pace, kills: int, seed: str, told: Callable[[str], None]) -> None:
        super().__init__(name="killer", daemon=True)
        self.done: Counter[str] = Counter()
        self._farm = farm
        self._pace = pace
        self._told = told
        self._chance = random.Random(f"{seed} killer")
        # One in each of as many parts of the run, so that they neither crowd nor leave long pauses.
        self._moments = [(number + self._chance.random()) / max(kills, 1) * 0.96 for number in range(kills)]
        self._deaths: defaultdict[str, list[float]] = defaultdict(list)

    def run(self) -> None:
        """Wait for each moment, then kill what is there to be killed."""
        for moment in self._moments:
            while self._pace.progress() < moment:
                if self._pace.is_over():
                    return
                time.sleep(0.05)
            while not self._kill(self._chance.choices([*KILLS], [*KILLS.values()])[0]):
                if self._pace.is_over():
                    return
                time.sleep(0.1)

    def _kill(self, kind: str) -> bool:
        """False if that one is not there now, or died too often lately."""
        if kind == "flush of valkey":
            killed = self._flush()
        else:
            manner, _, role = kind.rpartition(" of ")
            killed = self._signal(role, _SIGNALS.get(manner, signal.SIGKILL))
        if killed:
            self.done[kind] += 1
            self._told(f"{kind}{'' if ' of ' in kind else ' killed'}")
        return killed

    def _signal(self, role: str, sign: signal.Signals) -> bool:
        now = time.monotonic()
        recent = [when for when in self._deaths[role] if now - when < _MINUTE]
        found = self._farm.processes(role)
        if not found or len(recent) >= _DEATHS:
            return False
        # A pool's master mostly, its children now and then.
        pid = found[0] if self._chance.random() < 0.8 else self._chance.choice(found)
        try:
            os.kill(pid, sign)
        except ProcessLookupError:
            return False
        self._deaths[role] = [*recent, now]
        return True

    def _flush(self) -> bool:
        with contextlib.suppress(redis.RedisError), redis.Redis.from_url(self._farm.facts["redis_url"]) as broker:
            return bool(broker.flushall())
        return False
