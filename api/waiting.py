"""Readers that wait for changes: thousands in one process, without a question to the database for each.

One connection to Redis tells all of them what was committed (mail.bell). One look at the database every few seconds,
for all that are waited for together, tells what Redis lost, and which accounts and keys are gone since.
"""

import asyncio
import logging
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

import redis
import redis.asyncio
from django.conf import settings
from django.db.models import Max

from accounts.models import Account, ApiKey
from mail import bell
from mail.connecting import release_database_connection

log = logging.getLogger(__name__)

Found = TypeVar("Found")

LOOK = 5.0  # seconds between looks at the database
_AGAIN = 1.0  # seconds until a lost connection to Redis is tried again
_THREADS = 8  # that read for all who wait: a burst of changes must not take all connections to the database


class Topic(NamedTuple):
    """What is waited for: changes of an account, or of all that an application has."""

    application_id: UUID
    account_id: UUID | None = None


class Followed:
    """One or more logs, as far as this process knows them. `gone`: the account was removed."""

    def __init__(self) -> None:
        self.news = 0  # how often there was something new
        self.gone = False
        self.readers = 0
        self._known = -1
        self._told = asyncio.Event()

    def tell(self, end: int) -> None:
        """The log's end, or the last mark: wake who waits, if that is news."""
        if end > self._known:
            self._known = end
            self.wake()

    def end(self) -> None:
        """The account is gone."""
        self.gone = True
        self.wake()

    def wake(self) -> None:
        """There is something new."""
        self.news += 1
        self._told.set()
        self._told = asyncio.Event()

    async def after(self, news: int, seconds: float) -> bool:
        """Wait for more news than these; false where there are none within that time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.news <= news:
                    await self._told.wait()
        return self.news > news


class Waiting:
    """All who wait in this process. Belongs to one event loop, and works while somebody waits."""

    def __init__(self) -> None:
        self._topics: dict[Topic, Followed] = {}
        self._keys: dict[int, int] = {}  # readers by key
        self.revoked: set[int] = set()  # of these
        self._tasks: list[asyncio.Task[None]] = []
        self._hurry = asyncio.Event()  # to look now: what was told meanwhile was not heard
        self._reads: dict[Hashable, asyncio.Future[Any]] = {}
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="waiting")

    @contextmanager
    def following(self, what: Topic, key_id: int) -> Iterator[Followed]:
        """The logs of a topic, for a reader with this key."""
        followed = self._topics.setdefault(what, Followed())
        followed.readers += 1
        self._keys[key_id] = self._keys.get(key_id, 0) + 1
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._look())]
        try:
            yield followed
        finally:
            followed.readers -= 1
            if not followed.readers:
                del self._topics[what]
            self._keys[key_id] -= 1
            if not self._keys[key_id]:
                del self._keys[key_id]
                self.revoked.discard(key_id)
            if not self._topics:
                for task in self._tasks:
                    task.cancel()
                self._tasks = []

    async def read(self, what: Hashable, ask: Callable[[], Found]) -> Found:
        """What `ask` returns, which may ask the database; one answer for all who want the same `what` at once."""
        if (reading := self._reads.get(what)) is None:
            loop = asyncio.get_running_loop()
            reading = self._reads[what] = loop.run_in_executor(self._threads, _released, ask)
            reading.add_done_callback(lambda _done: self._reads.pop(what, None))
        found: Found = await asyncio.shield(reading)
        return found

    async def _listen(self) -> None:
        while True:
            try:
                client = redis.asyncio.Redis.from_url(settings.SYNCFARM_REDIS_URL, socket_connect_timeout=5)
                async with client, client.pubsub() as told:
                    await told.subscribe(bell.CHANNEL)
                    async for message in told.listen():
                        if message["type"] == "message":
                            self._hear(message["data"])
                        else:
                            self._hurry.set()
            except (redis.RedisError, OSError) as error:
                log.warning("changes are seen late, every %g s: %s", LOOK, error)
            await asyncio.sleep(_AGAIN)

    def _hear(self, data: bytes) -> None:
        with suppress(ValueError):  # not the farm's own
            told = bell.heard(data)
            if followed := self._topics.get(Topic(told.application_id, told.account_id)):
                followed.tell(told.end)
            if followed := self._topics.get(Topic(told.application_id)):
                followed.wake()

    async def _look(self) -> None:
        while True:
            topics, keys = [*self._topics], [*self._keys]
            try:
                ends, revoked = await self.read("all", lambda: _ends(topics, keys))  # noqa: B023 -- before the next round
            except Exception:  # whatever the database says: the next look is soon
                log.warning("the log's ends cannot be read", exc_info=True)
            else:
                for topic in topics:
                    if followed := self._topics.get(topic):
                        followed.tell(ends[topic]) if topic in ends else followed.end()
                self.revoked |= revoked & self._keys.keys()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK):
                    await self._hurry.wait()
            self._hurry.clear()


def _ends(topics: list[Topic], keys: list[int]) -> tuple[dict[Topic, int], set[int]]:
    """The ends of the topics that are still there, and which keys are revoked."""
    wanted = [topic.account_id for topic in topics if topic.account_id]
    accounts = Account.objects.present().filter(pk__in=wanted).values_list("application_id", "pk", "log_seq")
    ends = {Topic(application, account): end for application, account, end in accounts}
    whole = [topic.application_id for topic in topics if not topic.account_id]
    marks = Account.objects.filter(application_id__in=whole).values_list("application_id").annotate(Max("log_mark"))
    ends |= {topic: 0 for topic in topics if not topic.account_id} | {Topic(each): mark for each, mark in marks}
    revoked = ApiKey.objects.filter(pk__in=keys).exclude(revoked_at=None).values_list("pk", flat=True)
    return ends, set(revoked)


def _released(ask: Callable[[], Found]) -> Found:
    try:
        return ask()
    finally:
        release_database_connection()
