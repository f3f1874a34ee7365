"""The whole process: holds its share of the accounts, a keeper for each, and lets go of them at its end."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar
from uuid import UUID, uuid4

from django.db import Error, connection

from accounts.models import WatchMode
from mail.types import Login
from mail.watch import claims
from mail.watch.desk import Desk
from mail.watch.keeper import keep
from mail.watch.pacing import Gates
from mail.watch.standing import Standing

log = logging.getLogger(__name__)

TICK = 2.5  # seconds
_BURIAL = 100  # ticks
_T = TypeVar("_T")


class DatabaseThread:
    """A thread with a connection to the database, which is kept as long as it works."""

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=name)

    async def run(self, work: Callable[[], _T]) -> _T:
        """What `work` returns. Raises django.db.Error."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, _tried, work)

    def end(self) -> None:
        """Close the connection, and then the thread."""
        self._executor.submit(lambda: connection.close())  # noqa: PLW0108 -- the thread's own, not ours
        self._executor.shutdown()


def _tried(work: Callable[[], _T]) -> _T:
    try:
        return work()
    except Error:
        connection.close()  # it may be of a server that was restarted
        raise


@dataclass(slots=True)
class _Watched:
    """An account that is ours: its row's age, how it is opened (or why not), and the task that does."""

    updated_at: datetime
    login: Login | str
    task: "asyncio.Task[None] | None" = None


class Watching:
    """One process's. `watcher`: its name in the database."""

    def __init__(self, capacity: int) -> None:
        self.watcher = uuid4()
        self._capacity = capacity
        self._reading, self._writing = DatabaseThread("claims"), DatabaseThread("wishes")
        self._desk = Desk(self.watcher, self._writing.run)
        self._gates = Gates()
        self._watched: dict[UUID, _Watched] = {}
        self._ticks = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set."""
        desk = asyncio.create_task(self._desk.run())
        stopped = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                pause = TICK if await self._tick() < claims.BATCH else 0.0  # there is more to take over
                done, _ = await asyncio.wait({desk, stopped}, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                if desk in done:
                    desk.result()  # raises: without it nothing would come of any hint
        finally:
            await self._end(desk, stopped)

    async def _tick(self) -> int:
        """How many more accounts are held than before."""
        before = len(self._watched)
        try:
            held = await self._reading.run(lambda: claims.tick(self.watcher, self._capacity))
            await self._follow(held)
            if self._ticks % _BURIAL == 0:
                await self._reading.run(claims.bury)
        except Error as error:  # what is watched stays so; somebody else may have it meanwhile, which does no harm
            log.warning("the database is away, accounts are watched on: %s", str(error).strip())
            return 0
        self._ticks += 1
        if len(self._watched) != before:
            log.info("%d accounts", len(self._watched))
        return len(self._watched) - before

    async def _follow(self, held: dict[UUID, datetime]) -> None:
        """Begin with what is new, let go of what is not ours, connect anew where the login changed."""
        for account_id in self._watched.keys() - held.keys():
            self._let_go(account_id)
            self._desk.forget(account_id)
        aged = {
            account_id
            for account_id, updated_at in held.items()
            if account_id not in self._watched or self._watched[account_id].updated_at != updated_at
        }
        if not aged:
            return
        logins = await self._reading.run(lambda: claims.logins(aged))
        for account_id, login in logins.items():
            known = self._watched.get(account_id)
            if known is not None and known.login == login:
                known.updated_at = held[account_id]
                continue
            self._let_go(account_id)
            self._watched[account_id] = _Watched(held[account_id], login, self._begin(account_id, login))

    def _begin(self, account_id: UUID, login: Login | str) -> "asyncio.Task[None] | None":
        if isinstance(login, str):
            self._desk.stands(account_id, Standing(WatchMode.POLLING, login))
            return None
        return asyncio.create_task(self._kept(account_id, login))

    async def _kept(self, account_id: UUID, login: Login) -> None:
        try:
            await keep(account_id, login, self._gates.of(f"{login.host}:{login.port}"), self._desk)
        except Exception as error:
            log.exception("account %s", account_id)
            reason = f"Syncfarm itself failed to watch this mailbox ({type(error).__name__})."
            self._desk.stands(account_id, Standing(WatchMode.POLLING, reason))

    def _let_go(self, account_id: UUID) -> None:
        watched = self._watched.pop(account_id, None)
        if watched is not None and watched.task is not None:
            watched.task.cancel()

    async def _end(self, *tasks: "asyncio.Task[object]") -> None:
        keepers = [each.task for each in self._watched.values() if each.task is not None]
        for task in (*tasks, *keepers):
            task.cancel()
        await asyncio.gather(*tasks, *keepers, return_exceptions=True)
        with contextlib.suppress(Error):
            await self._reading.run(lambda: claims.end(self.watcher))
        for thread in (self._reading, self._writing):
            thread.end()


async def serve(capacity: int) -> None:
    """Watch until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    await Watching(capacity).run(stop)
