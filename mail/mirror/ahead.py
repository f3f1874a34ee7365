"""Two things at once for one account: the next batch is fetched and read while this one is stored."""

import queue
import threading
from collections.abc import Callable, Generator, Iterator
from types import TracebackType
from typing import Generic, Self, TypeVar

from django.db import connection

T = TypeVar("T")


class _End:
    """The last item is out. `error`: what ended them early."""

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error


class Ahead(Generic[T]):
    """Iterates over the items of `produce`, which runs in a thread of its own (under gevent a greenlet), a step ahead.

    Its exceptions are raised where its items are taken. Whoever leaves before the end makes it fail through `abandon`,
    and items that nobody took go to `drop`.
    """

    def __init__(self, produce: Iterator[T], *, abandon: Callable[[], None], drop: Callable[[T], None]) -> None:
        self._produce = produce
        self._abandon = abandon
        self._drop = drop
        self._items: queue.Queue[T | _End] = queue.Queue(maxsize=1)
        self._left = False
        self._ended = False
        self._thread = threading.Thread(target=self._run, name="ahead", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._ended:
            self._left = True
            self._abandon()
            while not isinstance(item := self._items.get(), _End):
                self._drop(item)
        self._thread.join()

    def __iter__(self) -> Iterator[T]:
        while not isinstance(item := self._items.get(), _End):
            yield item
        self._ended = True
        if item.error is not None:
            raise item.error

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            for item in self._produce:
                self._items.put(item)
                if self._left:
                    break
        except BaseException as failure:  # noqa: BLE001 -- raised again in the thread that takes the items
            error = failure
        finally:
            if isinstance(self._produce, Generator):
                self._produce.close()  # what it holds and nobody takes, it drops
            connection.close()  # this thread's own
            self._items.put(_End(error))
