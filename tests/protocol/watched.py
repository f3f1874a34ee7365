"""Runs a watch session in a test: what it hears, and how it ends."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mail.types import Login, MailError
from mail.watch.session import Session


class Heard:
    """What a session is told, from another thread."""

    def __init__(self) -> None:
        self.hints = 0
        self.mode = ""
        self.error: BaseException | None = None

    def wait(self, fact: Callable[["Heard"], object], seconds: float = 10.0) -> None:
        deadline = time.monotonic() + seconds
        while not fact(self):
            assert time.monotonic() < deadline, f"not within {seconds} s: {self.hints} hints, {self.error!r}"
            time.sleep(0.01)

    def tells_of(self, change: Callable[[], object], seconds: float = 5.0) -> None:
        """Something is heard once the change is made."""
        before = self.hints
        change()
        self.wait(lambda heard: heard.hints > before, seconds)


@contextmanager
def listening(login: Login, renewal: float = 600.0) -> Iterator[Heard]:
    """A session that listens until the block ends, or it fails."""
    heard = Heard()
    loop = asyncio.new_event_loop()

    def hint() -> None:
        heard.hints += 1

    async def listen() -> None:
        try:
            session = await Session.opened(login)
            heard.mode = session.mode.value
            try:
                await session.listen(hint, renewal)
            finally:
                session.close()
        except MailError as error:
            heard.error = error

    task = loop.create_task(listen())
    thread = threading.Thread(target=lambda: loop.run_until_complete(asyncio.wait({task})), daemon=True)
    thread.start()
    try:
        yield heard
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(timeout=10)
        loop.close()
    if not task.cancelled() and task.exception():
        raise task.exception() or AssertionError


def failure(login: Login, renewal: float = 600.0, seconds: float = 15.0) -> MailError:
    """What a session that ends ends with."""
    with listening(login, renewal) as heard:
        heard.wait(lambda heard: heard.error, seconds)
    assert isinstance(heard.error, MailError)
    return heard.error
