"""What dead workers hold lapses sooner than by itself: a kill a second would leave no mailbox to work on."""

import threading
import time
from typing import NamedTuple

from bench.chaos.farm import Farm


class Hold(NamedTuple):
    """A kind of claim: id, token, expiry. `dead`: seconds without a renewal after which its worker must be dead."""

    held: str
    lapse: str
    dead: float


LEASES = Hold(  # renewed every 10 seconds, for 60
    "SELECT id::text, lease_token::text, lease_expires_at::text FROM accounts_account WHERE lease_expires_at > now()",
    "UPDATE accounts_account SET lease_expires_at = now() "
    "WHERE id = %s AND lease_token = %s AND lease_expires_at = %s RETURNING id::text",
    20.0,
)
CLAIMS = Hold(  # renewed every 3 seconds, for 12 or 60
    "SELECT id::text, claim::text, claimed_until::text FROM mail_outgoing WHERE claimed_until > now()",
    "UPDATE mail_outgoing SET claimed_until = now() "
    "WHERE id = %s AND claim = %s AND claimed_until = %s RETURNING id::text",
    9.0,
)


class Lapsing(threading.Thread):
    """Watches such claims until it is stopped."""

    def __init__(self, farm: Farm, *holds: Hold) -> None:
        super().__init__(name="lapsing", daemon=True)
        self.stopped = threading.Event()
        self.trouble = ""
        self._farm = farm
        self._since: dict[Hold, dict[tuple[str, ...], float]] = {hold: {} for hold in holds}

    def run(self) -> None:
        """End what nobody renews."""
        try:
            while not self.stopped.wait(2.0):
                for hold, since in self._since.items():
                    self._since[hold] = self._look(hold, since)
        except Exception as error:
            self.trouble = f"{self.name} failed: {error!r}"
            raise

    def _look(self, hold: Hold, since: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
        now = time.monotonic()
        held = {claim: since.get(claim, now) for claim in self._farm.rows(hold.held)}
        for claim, first in held.items():
            if now - first > hold.dead:
                self._farm.rows(hold.lapse, *claim)
        return held
