"""Work that gives up the interpreter's lock, such as compression, in a thread of the system beside all others.

Under gevent a thread is a greenlet, and such work would stop all of them.
"""

import functools
import os
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from gevent import monkey, threadpool

P = ParamSpec("P")
T = TypeVar("T")


def aside(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
    """Begin it; whoever asks for the result waits without stopping others."""
    return _threads(os.getpid()).submit(work, *args, **kwargs)


@functools.lru_cache(maxsize=1)
def _threads(_process: int) -> Executor:
    """One for each core, for a process and not for those that it forks."""
    kind = threadpool.ThreadPoolExecutor if monkey.is_module_patched("threading") else ThreadPoolExecutor
    executor: Executor = kind(max_workers=os.cpu_count() or 1)
    return executor
