"""Somebody's application: it marks mail over REST while mail programs change the same mail on its server."""

import random
import threading
from typing import Any

from bench.chaos.farm import Farm, Rest, Unanswered
from bench.chaos.pace import Pace

_PAUSE = 0.2  # seconds, when the farm does not answer
_LOOK = 0.1  # how often it looks at the newest mail anew, of its requests


class Application(threading.Thread):
    """One grant's. It works until the run is over; what the farm refused it without reason is in `trouble`."""

    def __init__(self, farm: Farm, key: str, account: str, seed: str, pace: Pace) -> None:
        super().__init__(name=f"application of {account}", daemon=True)
        self.trouble = ""
        self._grant = f"/v3/grants/{account}"
        self._rest = Rest(farm, key)
        self._chance = random.Random(f"{seed} application {account}")
        self._pace = pace
        self._shown: list[dict[str, Any]] = []

    def run(self) -> None:
        """Change and look, and go on where the farm did not answer."""
        while not self._pace.is_over():
            try:
                self._work()
            except Unanswered:
                self._pace.over.wait(_PAUSE)
            except Exception as error:
                self.trouble = f"{self.name} failed: {error!r}"
                self._pace.stop()
                raise

    def _work(self) -> None:
        if not self._shown or self._chance.random() < _LOOK:
            path = f"{self._grant}/messages?limit=100&select=id,thread_id"
            self._shown = self._rest.ask("GET", path)["data"]
        if self._shown and self._pace.turn():
            self._mark(self._chance.choice(self._shown))

    def _mark(self, message: dict[str, Any]) -> None:
        """A message, or its whole thread; what a request that is not answered did is not known."""
        names = self._chance.choice((("unread",), ("starred",), ("unread", "starred")))
        wanted = {name: self._chance.random() < 0.5 for name in names}
        kind = "thread" if self._chance.random() < 0.2 else "message"
        identifier = message["thread_id"] if kind == "thread" else message["id"]
        try:
            answer = self._rest.ask("PUT", f"{self._grant}/{kind}s/{identifier}", wanted)
        except Unanswered:
            self._pace.refuse()
            raise
        except ValueError as error:
            if " 404 " not in str(error):
                raise
            self._shown.remove(message)  # a mail program was first
            self._pace.refuse()
            return
        told = {name: answer["data"][name] for name in names}
        # Of a thread nothing can be said while others change its messages.
        if kind == "message" and told != wanted:
            raise AssertionError(f"{wanted} was asked of message {identifier}, and it is {told}")
        self._pace.count(f"{kind} over REST")
