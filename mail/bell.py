"""The bell: who waits for a change of an account hears of it when it is committed.

Redis carries what it tells (PUBLISH) and may lose it: who waits looks at the log itself now and then (api.waiting).
PostgreSQL's own NOTIFY is not used: each commit that has one waits for all others, of every database of the server.
"""

import functools
import logging
import time
from typing import Any, NamedTuple
from uuid import UUID

import redis
from django.conf import settings
from django.db import transaction

log = logging.getLogger(__name__)

CHANNEL = "syncfarm.log"
_TIMEOUT = 0.5  # seconds that a writer waits for Redis
_QUIET = 2.0  # after a failure: who writes much must not wait each time

_quiet_until = 0.0


class Heard(NamedTuple):
    """That the log of an application's account ends at `end`."""

    application_id: UUID
    account_id: UUID
    end: int


def ring_after_commit(application_id: UUID, account_id: UUID, end: int) -> None:
    """Tell it, once the caller's transaction is committed."""
    transaction.on_commit(lambda: _ring(Heard(application_id, account_id, end)))


def heard(message: bytes) -> Heard:
    """What was told. Raises ValueError."""
    application_id, account_id, end = message.decode("ascii").split()
    return Heard(UUID(application_id), UUID(account_id), int(end))


def _ring(told: Heard) -> None:
    """A failure is no failure of what was committed."""
    global _quiet_until  # noqa: PLW0603 -- of this process
    if time.monotonic() < _quiet_until:
        return
    try:
        _client().publish(CHANNEL, f"{told.application_id.hex} {told.account_id.hex} {told.end}")
    except redis.RedisError as error:
        _quiet_until = time.monotonic() + _QUIET
        log.warning("who waits for changes is not told of them for %g s: %s", _QUIET, error)


@functools.cache
def _client() -> Any:  # redis.Redis, which has no argument for its type
    return redis.Redis.from_url(
        settings.SYNCFARM_REDIS_URL, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT, retry=None
    )
