"""Somebody's application: it marks, moves and deletes mail and writes drafts over REST, while mail programs change the
same mail on its server."""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from bench.chaos.farm import Farm, Rest, Unanswered
from bench.chaos.ledger import Entry, Ledger
from bench.chaos.pace import Pace

_PAUSE = 0.2  # seconds, when the farm does not answer
_LOOK = 0.1  # how often it looks at the newest mail anew, of its requests
_DRAFT = "Draft "  # how the subjects of its drafts begin


class Impossible(Exception):
    """A mail program was first."""


class Application(threading.Thread):
    """One grant's. It works until the run is over; what the farm refused it without reason is in `trouble`. `ledger`:
    for what it asked, where nobody else changes the mailbox."""

    def __init__(self, farm: Farm, key: str, account: str, seed: str, pace: Pace, ledger: Ledger | None) -> None:
        super().__init__(name=f"application of {account}", daemon=True)
        self.trouble = ""
        self._grant = f"/v3/grants/{account}"
        self._rest = Rest(farm, key)
        self._chance = random.Random(f"{seed} application {account}")
        self._pace = pace
        self._alone = ledger is not None
        self._ledger = ledger or Ledger()
        self._shown: list[dict[str, Any]] = []
        self._folders: list[str] = []
        self._drafts: list[str] = []
        self._written = 0

    def run(self) -> None:
        """Change and look, and go on where the farm did not answer."""
        while not self._pace.is_over():
            try:
                self._work()
            except Impossible:
                self._pace.refuse()
                self._shown = []  # it looks again before it does anything
            except Unanswered:
                self._pace.over.wait(_PAUSE)
            except Exception as error:
                self.trouble = f"{self.name} failed: {error!r}"
                self._pace.stop()
                raise

    def _work(self) -> None:
        if not self._shown or self._chance.random() < _LOOK:
            self._look()
        if self._shown and self._pace.turn():
            kinds: list[Callable[[dict[str, Any]], str]] = [self._mark, self._move, self._trash, self._erase]
            kinds += [self._write, self._rewrite, self._discard]
            kind = self._chance.choices(kinds, (55, 16, 4, 3, 9, 8, 5))[0]
            self._pace.count(f"{kind(self._chance.choice(self._shown))} over REST")

    def _look(self) -> None:
        path = f"{self._grant}/messages?limit=100&select=id,thread_id,subject"
        shown = self._rest.ask("GET", path)["data"]
        self._shown = [each for each in shown if not each["subject"].startswith(_DRAFT)]
        listed = self._rest.ask("GET", f"{self._grant}/folders?limit=100&select=id")
        self._folders = [each["id"] for each in listed["data"]]

    def _mark(self, message: dict[str, Any]) -> str:
        """A message, or its whole thread; what a request that is not answered did is not known."""
        names = self._chance.choice((("unread",), ("starred",), ("unread", "starred")))
        wanted = {name: self._chance.random() < 0.5 for name in names}
        if not self._alone and self._chance.random() < 0.2:
            self._ask("PUT", f"threads/{message['thread_id']}", wanted)
            return "thread"  # nothing can be said of it while others change its messages
        self._change(message, wanted)
        return "message"

    def _move(self, message: dict[str, Any]) -> str:
        """Into one folder, or into several."""
        count = min(len(self._folders), self._chance.choice((1, 1, 1, 2, 3)))
        self._change(message, {"folders": sorted(self._chance.sample(self._folders, count))})
        return "move"

    def _change(self, message: dict[str, Any], wanted: dict[str, Any]) -> None:
        with self._unsure(self._ledger.message(message["id"])) as entry:
            answer = self._ask("PUT", f"messages/{message['id']}", wanted)
            entry.wanted |= wanted
        told = {name: answer["data"][name] for name in wanted}
        if "folders" in told:
            told["folders"] = sorted(told["folders"])
        if told != wanted:
            raise AssertionError(f"{wanted} was asked of message {message['id']}, and it is {told}")

    def _trash(self, message: dict[str, Any]) -> str:
        with self._unsure(self._ledger.message(message["id"])) as entry:
            self._ask("DELETE", f"messages/{message['id']}")
            entry.wanted.pop("folders", None)
        return "trash"

    def _erase(self, message: dict[str, Any]) -> str:
        with self._unsure(self._ledger.message(message["id"])) as entry:
            self._ask("DELETE", f"messages/{message['id']}?hard_delete=true")
            entry.gone = True
        self._shown.remove(message)
        return "deletion"

    def _write(self, _message: dict[str, Any]) -> str:
        subject = self._subject()
        self._ledger.maybe.add(subject)
        made = self._ask("POST", "drafts", {"subject": subject, "body": "<p>…</p>"})["data"]
        self._ledger.draft(made["id"]).wanted["subject"] = subject
        self._drafts.append(made["id"])
        return "draft"

    def _rewrite(self, message: dict[str, Any]) -> str:
        if not self._drafts:
            return self._write(message)
        identifier, subject = self._chance.choice(self._drafts), self._subject()
        with self._unsure(self._ledger.draft(identifier)) as entry, self._found(identifier):
            changed = self._ask("PUT", f"drafts/{identifier}", {"subject": subject})["data"]
            entry.wanted["subject"] = subject
        if (changed["id"], changed["subject"]) != (identifier, subject):
            raise AssertionError(
                f"draft {identifier} was to be {subject!r}, and is {changed['id']}, {changed['subject']!r}"
            )
        return "draft changed"

    def _discard(self, message: dict[str, Any]) -> str:
        if not self._drafts:
            return self._write(message)
        identifier = self._chance.choice(self._drafts)
        with self._unsure(self._ledger.draft(identifier)) as entry, self._found(identifier):
            self._ask("DELETE", f"drafts/{identifier}")
            entry.gone = True
        self._drafts.remove(identifier)
        return "draft discarded"

    def _subject(self) -> str:
        self._written += 1
        return f"{_DRAFT}{self._written}"

    @contextmanager
    def _unsure(self, entry: Entry) -> Iterator[Entry]:
        try:
            yield entry
        except Unanswered:
            entry.unsure = True
            raise

    @contextmanager
    def _found(self, draft: str) -> Iterator[None]:
        try:
            yield
        except Impossible:
            self._drafts.remove(draft)
            raise

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        """Raises Impossible where the message, draft or folder is gone, Unanswered."""
        try:
            return self._rest.ask(method, f"{self._grant}/{path}", body)
        except Unanswered:
            self._pace.refuse()
            raise
        except ValueError as error:
            if " 404 " not in str(error) and not ("folder" in str(error) and " 400 " in str(error)):
                raise
            if self._alone and not any(entry.unsure for entry in self._ledger.messages.values()):
                raise AssertionError(f"nobody else is there, and {error}") from error
            raise Impossible from error
