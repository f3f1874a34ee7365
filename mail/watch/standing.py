"""How an account's watch stands, for who writes it and who reads it."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import Account, Watcher, WatchMode


@dataclass(frozen=True, slots=True)
class Standing:
    """How an account's watch stands. `note`: why it is polled, or what is not told, in words."""

    mode: WatchMode
    note: str = ""
    live_since: datetime | None = None


def standing_of(account: Account, now: datetime) -> Standing:
    """How an account's watch stands for who reads it: a watcher that died may have noted anything."""
    alive = account.watcher and Watcher.objects.filter(id=account.watcher, expires_at__gt=now).exists()
    if not alive:
        return Standing(WatchMode.POLLING)
    return Standing(WatchMode(account.watch_mode), account.watch_note, account.live_since)
