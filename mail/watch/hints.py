"""Many hints become few wishes. Pure: `now` is an argument, in seconds of any clock that only goes forward."""

import heapq
from uuid import UUID

TOGETHER = 0.02  # seconds: a move is told of both folders at once, and one sync sees both
SPACING = 0.3  # seconds between two wishes for an account


class Hints:
    """Accounts that something was told of. The last hint of each is never lost: a wish follows it."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, float] = {}
        self._order: list[tuple[float, UUID]] = []
        self._last: dict[UUID, float] = {}

    def add(self, account_id: UUID, now: float) -> None:
        """A hint came."""
        if account_id not in self._waiting:
            when = max(now + TOGETHER, self._last.get(account_id, now - SPACING) + SPACING)
            self._waiting[account_id] = when
            heapq.heappush(self._order, (when, account_id))

    def due(self, now: float) -> list[UUID]:
        """Accounts whose wish is due; each is handed out once."""
        found = []
        while self._order and self._order[0][0] <= now:
            when, account_id = heapq.heappop(self._order)
            if self._waiting.get(account_id) == when:
                del self._waiting[account_id]
                self._last[account_id] = now
                found.append(account_id)
        return found

    def rest(self, now: float) -> float | None:
        """Seconds until something is due; None: nothing waits."""
        return max(0.0, self._order[0][0] - now) if self._order else None

    def forget(self, account_id: UUID) -> None:
        """The account is no longer ours."""
        self._waiting.pop(account_id, None)
        self._last.pop(account_id, None)
