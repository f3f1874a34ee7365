"""Writes what the keepers found: wishes, and how watches stand. Neither is lost while the database is away."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from uuid import UUID

from django.db import Error

from mail import intent
from mail.watch import claims
from mail.watch.hints import Hints
from mail.watch.pacing import Bucket
from mail.watch.standing import Standing

log = logging.getLogger(__name__)

MISSED = 20.0  # syncs a second, at most, of accounts whose watch just began: all do at a start
_AGAIN = 1.0  # seconds, while the database is away

InDatabase = Callable[[Callable[[], None]], Awaitable[None]]


class Desk:
    """One process's."""

    def __init__(self, watcher: UUID, in_database: InDatabase) -> None:
        self._watcher = watcher
        self._in_database = in_database
        self._hints = Hints()
        self._missed: deque[UUID] = deque()
        self._bucket = Bucket(MISSED, 20)
        self._standings: dict[UUID, Standing] = {}
        self._news = asyncio.Event()

    def hint(self, account_id: UUID) -> None:
        """Its server told of a change."""
        self._hints.add(account_id, _now())
        self._news.set()

    def missed(self, account_id: UUID) -> None:
        """Its watch begins: what happened before may not have been seen."""
        self._missed.append(account_id)
        self._news.set()

    def stands(self, account_id: UUID, standing: Standing) -> None:
        """How its watch stands now."""
        self._standings[account_id] = standing
        self._news.set()

    def forget(self, account_id: UUID) -> None:
        """The account is no longer ours; whoever holds it next asks for a sync."""
        self._hints.forget(account_id)
        self._standings.pop(account_id, None)

    async def run(self) -> None:
        """Write, until cancelled."""
        asking = asyncio.create_task(self._ask_for_missed())
        try:
            while True:
                rest = self._hints.rest(_now())
                if not self._standings:
                    await self._wait(rest)
                await self._write()
        finally:
            asking.cancel()

    async def _ask_for_missed(self) -> None:
        while True:
            while self._missed:
                self.hint(self._missed.popleft())
                await asyncio.sleep(self._bucket.take(_now()))
            await asyncio.sleep(0.1)

    async def _wait(self, seconds: float | None) -> None:
        self._news.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._news.wait()
        except TimeoutError:
            return

    async def _write(self) -> None:
        wishes, standings = self._hints.due(_now()), self._standings
        if not wishes and not standings:
            return
        self._standings = {}
        try:
            await self._in_database(lambda: intent.request_syncs(wishes))
            await self._in_database(lambda: claims.note(self._watcher, standings))
        except Error as error:
            log.warning("the database is away, wishes wait: %s", str(error).strip())
            for account_id in wishes:
                self._hints.add(account_id, _now())
            self._standings = standings | self._standings
            await asyncio.sleep(_AGAIN)


def _now() -> float:
    return asyncio.get_running_loop().time()
