"""When to look again: adaptive interval, backoff, jitter. Pure; randomness is an argument (0 <= chance < 1)."""

from datetime import timedelta

BUSY = 5  # seconds: a mailbox whose mail moves
SLEEPY = 300  # seconds: one where nothing happened for hours
GROWTH = 1.3  # from busy to sleepy in 16 quiet syncs, about 20 minutes
RETRY_FIRST = 5  # seconds after the first failure
RETRY_LAST = 1800
HOST_RETRY_LAST = 300
GAP_RETRY_LAST = 6 * 3600
# A message that was being read when its process died: it may have been another's, so it gets a second chance.
SUSPECT_RETRY = timedelta(hours=1)
POISON_RETRY = timedelta(days=30)
JITTER = 0.2  # keeps accounts that were connected together from syncing together


def next_interval(previous: int, *, changed: bool) -> int:
    """Seconds until the next sync of a healthy account."""
    return BUSY if changed else min(SLEEPY, max(BUSY, round(previous * GROWTH)))


def jittered(seconds: float, chance: float) -> timedelta:
    """The delay, spread by ±JITTER."""
    return timedelta(seconds=seconds * (1 + JITTER * (2 * chance - 1)))


def retry_delay(failures: int, chance: float) -> timedelta:
    """Delay after the given number of failures in a row (>= 1): doubles each time, spread, capped."""
    return jittered(min(RETRY_LAST, RETRY_FIRST * 2.0 ** min(failures - 1, 16)), chance)


def host_delay(failures: int, chance: float) -> timedelta:
    """How long a host's accounts wait, after so many failures beyond its first few; as retry_delay, capped lower."""
    return jittered(min(HOST_RETRY_LAST, RETRY_FIRST * 2.0 ** min(max(failures, 0), 16)), chance)


def gap_delay(attempts: int) -> timedelta:
    """Delay before a UID that the server would not hand out is asked for again: 1 minute, then doubling."""
    return timedelta(seconds=min(GAP_RETRY_LAST, 60 * 2.0 ** min(attempts - 1, 16)))
