"""Kills the worker of one queue, again and again: its whole process group, with SIGKILL."""

import os
import random
import signal
import threading
import time
from collections import Counter

from bench.chaos.farm import Farm
from bench.kills.moments import Moments
from bench.kills.nursery import pid_file

AIMED = 0.8  # of the kills wait for a moment that a server tells of
_PATIENCE = 1.5  # seconds for such a moment
_LIFE = {"outbound": 0.3, "action": 0.5}  # mean seconds of undisturbed work before
_START = 60.0  # seconds for a worker to be there again
_ANY = 0.5  # seconds at most before a kill at any point
_AFTER = 0.25  # seconds at most between the moment and the kill

_HELD = "SELECT claim::text, state FROM mail_outgoing WHERE claim IS NOT NULL"


class Budget:
    """Kills that are left for all killers together: who finds more to kill has more of them."""

    def __init__(self, kills: int) -> None:
        self.left = kills
        self._lock = threading.Lock()

    def take(self) -> bool:
        """One of them. False: there is none."""
        with self._lock:
            self.left -= 1
            return self.left >= 0


class Killer(threading.Thread):
    """`points`: where the conversation was, at how many kills; `found`: in which states rows were that a dead worker
    held; `trouble`: why it ended before its time."""

    def __init__(self, farm: Farm, queue: str, budget: Budget, seed: str, moments: Moments) -> None:
        super().__init__(name=f"killer of {queue}", daemon=True)
        self.points: Counter[str] = Counter()
        self.found: Counter[str] = Counter()
        self.trouble = ""
        self.stopped = threading.Event()
        self._farm = farm
        self._queue = queue
        self._budget = budget
        self._chance = random.Random(f"{seed} killer of {queue}")
        self._moments = moments
        self._seen: set[str] = set()
        self._last = 0

    def run(self) -> None:
        """Kill until all kills are done."""
        try:
            while not self.stopped.is_set() and self._budget.take():
                while not (self._strikes() or self.stopped.is_set()):
                    pass
        except Exception as error:
            self.trouble = f"{self.name} failed: {error!r}"
            raise

    def _strikes(self) -> bool:
        pid = self._ready()
        time.sleep(self._chance.expovariate(1 / _LIFE[self._queue]))
        point = self._moments.wait(self._queue, _PATIENCE) if self._chance.random() < AIMED else ""
        time.sleep(self._chance.uniform(0, _AFTER if point else _ANY))
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            return False
        self._last = pid
        self.points[f"{self._queue} {point or 'at any point'}"] += 1
        if self._queue == "outbound":
            claims = dict(self._farm.rows(_HELD))
            self.found.update(claims[claim] for claim in claims.keys() - self._seen)
            self._seen |= claims.keys()
        return True

    def _ready(self) -> int:
        """The worker, once it takes tasks. Raises TimeoutError."""
        until = time.monotonic() + _START
        while time.monotonic() < until:
            pid = int(pid_file(self._farm.var, self._queue).read_text() or 0)
            if pid not in {0, self._last}:
                return pid
            time.sleep(0.02)
        raise TimeoutError(f"no worker of {self._queue} takes tasks after {_START:g} seconds")
