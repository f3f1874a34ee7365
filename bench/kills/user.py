"""Somebody who sends, writes drafts, schedules and moves all day over REST, and keeps a book of what was answered."""

import json
import random
import threading
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from bench.chaos.farm import Farm, Rest, Unanswered
from bench.kills.sink import BUSY, REFUSED, RUDE

FOLDERS = ("INBOX", "Work", "Travel", "日本")  # between which messages are moved
_DRAFTS = 4  # that a user keeps
_REPEATS = 4  # of a request that was answered with 504, under its Idempotency-Key
SOONEST = 58.0  # seconds; a schedule must lie a minute ahead, less some for clocks


@dataclass(slots=True)
class Book:
    """What one user knows. The keys of `sends` are subjects, which occur once."""

    sends: dict[str, list[int]] = field(default_factory=dict)  # -> status of each answer, 0: none
    keyed: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)
    drafts: dict[str, str] = field(default_factory=dict)  # that were not asked to be sent: id -> subject
    dropped: set[str] = field(default_factory=set)  # subjects of drafts' versions that were replaced or discarded
    places: dict[str, str] = field(default_factory=dict)  # subject of a message -> folder that was asked for last
    waits: list[float] = field(default_factory=list)  # seconds until a send was answered with 200


class User(ABC, threading.Thread):
    """One of those who use a grant. What it could not expect is in `trouble`."""

    def __init__(self, farm: Farm, key: str, grant: str, name: str, seed: str, pause: float) -> None:
        super().__init__(name=f"{type(self).__name__} {name}", daemon=True)
        self.book = Book()
        self.answers: Counter[str] = Counter()
        self.trouble = ""
        self.stopped = threading.Event()
        self.user = name
        self._path = f"/v3/grants/{grant}"
        self._rest = Rest(farm, key)
        self._chance = random.Random(f"{seed} {self.name}")
        self._pause = pause

    @abstractmethod
    def works(self) -> dict[Callable[[], None], int]:
        """What it does, and how often beside the others."""

    def run(self) -> None:
        """One thing after the other."""
        works = self.works()
        try:
            while not self.stopped.wait(self._chance.uniform(0, 2 * self._pause)):
                self._chance.choices([*works], [*works.values()])[0]()
        except Exception as error:
            self.trouble = f"{self.name} failed: {error!r}"
            raise

    def _said(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, bytes]:
        # The web process drops connections that rest, perhaps just now.
        return self._rest.said(method, f"{self._path}{path}", body, Connection="close", **headers)

    def _count(self, what: str, status: int, expected: set[int]) -> None:
        self.answers[f"{what}: {status}"] += 1
        if status not in expected:
            raise Unanswered(f"{what} was answered with {status}")


class Mover(User):
    """Moves the messages that the mailbox had at the beginning."""

    def learn(self, count: int) -> bool:
        """Whether folders and as many messages are there."""
        self._folders = {each["name"]: each["id"] for each in self._listed("/folders?limit=50")}
        self._messages = [(each["id"], each["subject"]) for each in self._listed("/messages?limit=100")]
        self.book.places = {subject: "INBOX" for _, subject in self._messages}
        return {*FOLDERS, "Sent", "Drafts"} <= self._folders.keys() and len(self._messages) == count

    def _listed(self, path: str) -> list[dict[str, Any]]:
        status, answer = self._said("GET", path)
        return list(json.loads(answer)["data"]) if status == 200 else []

    def works(self) -> dict[Callable[[], None], int]:
        """Only one."""
        return {self.move: 1}

    def move(self) -> None:
        """Some, one after the other."""
        for message, subject in self._chance.sample(self._messages, self._chance.choice((1, 1, 1, 2, 4))):
            name = self._chance.choice(FOLDERS)
            status, _ = self._said("PUT", f"/messages/{message}", {"folders": [self._folders[name]]})
            self._count("move", status, {200})
            self.book.places[subject] = name


class Writer(User):
    """Sends, keeps drafts, schedules."""

    def works(self) -> dict[Callable[[], None], int]:
        """Mostly it sends."""
        return {
            self.send: 40, self.write: 14, self.send_draft: 12, self.edit: 4, self.discard: 2, self.schedule: 6,
            self.cancel: 3,
        }  # fmt: skip

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._number = 0
        self._schedules: list[tuple[str, str]] = []

    def send(self) -> None:
        """Perhaps under a key, and then again until the end is known."""
        letter = self._letter("mail")
        keyed = self._chance.random() < 0.6
        if keyed:
            self.book.keyed.add(letter["subject"])
        self._ask_to_send("/messages/send", letter["subject"], letter, keyed=keyed)

    def schedule(self) -> None:
        """For a time soon."""
        letter = self._letter("later")
        letter["send_at"] = int(time.time() + SOONEST + self._chance.uniform(0, 60))
        answer = self._ask_to_send("/messages/send", letter["subject"], letter)
        self._schedules.append((answer["data"]["schedule_id"], letter["subject"]))

    def cancel(self) -> None:
        """A message that was scheduled."""
        if self._schedules:
            schedule, subject = self._schedules.pop(self._chance.randrange(len(self._schedules)))
            status, _ = self._said("DELETE", f"/messages/schedules/{schedule}")
            self._count("cancel", status, {202, 400})
            if status == 202:
                self.book.cancelled.add(subject)

    def write(self) -> None:
        """A draft."""
        if len(self.book.drafts) < _DRAFTS:
            letter = self._letter("draft")
            status, answer = self._said("POST", "/drafts", letter)
            self._count("draft", status, {200})
            self.book.drafts[json.loads(answer)["data"]["id"]] = letter["subject"]

    def edit(self) -> None:
        """A draft."""
        for draft in self._some_draft():
            subject = self._letter("draft")["subject"]
            status, _ = self._said("PUT", f"/drafts/{draft}", {"subject": subject})
            self._count("edit", status, {200})
            self.book.dropped.add(self.book.drafts[draft])
            self.book.drafts[draft] = subject

    def discard(self) -> None:
        """A draft."""
        for draft in self._some_draft():
            status, _ = self._said("DELETE", f"/drafts/{draft}")
            self._count("discard", status, {200})
            self.book.dropped.add(self.book.drafts.pop(draft))

    def send_draft(self) -> None:
        """Each once."""
        for draft in self._some_draft():
            subject = self.book.drafts.pop(draft)
            self._ask_to_send(f"/drafts/{draft}", subject)

    def _some_draft(self) -> list[str]:
        return [self._chance.choice([*self.book.drafts])] if self.book.drafts else []

    def _ask_to_send(self, path: str, subject: str, letter: Any = None, *, keyed: bool = False) -> Any:
        """Ask once, or, under a key, until the end is known."""
        key = {"Idempotency-Key": subject} if keyed else {}
        began = time.monotonic()
        statuses = self.book.sends[subject] = []
        for _ in range(_REPEATS if keyed else 1):
            status, answer = self._said("POST", path, letter, **key)
            statuses.append(status)
            self._count("send", status, {200, 202, 400, 503, 504, 409})
            told = json.loads(answer)
            if status == 200:
                self.book.waits.append(time.monotonic() - began)
            if self.stopped.is_set() or status != 504 or told["error"]["provider_error"]["status"] == "uncertain":
                break
        return told

    def _letter(self, kind: str) -> dict[str, Any]:
        self._number += 1
        to = self._chance.choices(["bob@example.test", REFUSED, BUSY, RUDE], [90, 3, 2, 3])[0]
        both = [{"email": to}] + ([{"email": "carol@example.test"}] if self._chance.random() < 0.3 else [])
        body = " ".join(self._chance.choices(("rain", "lamp", "木", "über", "kettle"), k=self._chance.choice((9, 900))))
        return {"subject": f"{kind} {self._number} of {self.user}", "to": both, "body": body}
