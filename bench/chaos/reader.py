"""A consumer of an account's change log, over REST: a cursor, and the state that the entries make."""

import contextlib
import threading
from collections.abc import Callable
from typing import Any

from bench.chaos.farm import Farm, Rest, Unanswered

COLLECTIONS = {"message": "messages", "thread": "threads", "folder": "folders"}
_PAGE = 300  # entries
_NUDGE = 1.5  # seconds between two wishes for a sync: retries would come later and later
_PAUSE = 0.3  # seconds

Key = tuple[str, str]  # object type, id


class Reader(threading.Thread):
    """Follows the log until it is stopped, and asks for syncs all the time, as impatient users do.

    `holes`: what the log lacked or refused, in words. `interruptions`: how often the farm did not answer.
    """

    def __init__(self, farm: Farm, key: str, account: str) -> None:
        super().__init__(name=f"reader of {account}", daemon=True)
        self.state: dict[Key, Any] = {}
        self.cursor = 0
        self.entries = self.interruptions = 0
        self.holes: list[str] = []
        self.account = account
        self._grant = f"/v3/grants/{account}"
        self._rest = Rest(farm, key)
        self._stopped = threading.Event()

    def run(self) -> None:
        """Read, nudge, rest."""
        waited = 0.0
        while not self._stopped.wait(_PAUSE):
            waited += _PAUSE
            try:
                if waited >= _NUDGE:
                    waited = 0.0
                    self.nudge()
                self.catch_up()
            except Unanswered:
                self.interruptions += 1
            except ValueError as error:
                self.holes.append(str(error))
                return

    def stop(self) -> None:
        """Let go of the log."""
        self._stopped.set()
        self.join()

    def nudge(self) -> None:
        """Ask for a sync now, which a paused grant refuses. Raises Unanswered."""
        with contextlib.suppress(ValueError):
            self._rest.ask("POST", f"{self._grant}/sync")

    def finish(self) -> None:
        """Stop, and apply what is left."""
        self.stop()
        if not self.holes:
            self._catch_up(self._rest.ask_until_answered)

    def catch_up(self) -> None:
        """Apply what is new. Raises Unanswered."""
        self._catch_up(lambda path: self._rest.ask("GET", path))

    def _catch_up(self, ask: Callable[[str], Any]) -> None:
        while page := ask(f"{self._grant}/delta?cursor={self.cursor}&limit={_PAGE}")["data"]:
            numbers = [entry["seq"] for entry in page]
            if numbers != list(range(self.cursor + 1, self.cursor + 1 + len(page))):
                self.holes.append(f"after {self.cursor} the log went on with {numbers[:5]} …")
            for entry in page:
                self._apply(entry)
            self.cursor = numbers[-1]
            self.entries += len(page)

    def _apply(self, entry: dict[str, Any]) -> None:
        key = entry["object_type"], entry["object_id"]
        if entry["kind"] == "deleted" or entry["object"] is None:
            self.state.pop(key, None)
        else:
            self.state[key] = entry["object"]

    def listed(self) -> dict[Key, Any]:
        """What a fresh listing of everything gives."""
        return {(kind, each["id"]): each for kind, path in COLLECTIONS.items() for each in self.pages(f"/{path}?")}

    def pages(self, path: str) -> list[dict[str, Any]]:
        """All pages of a listing; `path` ends in "?" or "&"."""
        found: list[dict[str, Any]] = []
        token = ""
        while True:
            page = self._rest.ask_until_answered(f"{self._grant}{path}limit=100{token}")
            found += page["data"]
            if not page.get("next_cursor"):
                return found
            token = f"&page_token={page['next_cursor']}"
