"""Waiting for a farm to become idle after the storm: every account current, whole, and held by nobody."""

import time
from collections.abc import Callable

import psycopg2

from bench.chaos.clients import Mailbox
from bench.chaos.farm import Farm, FarmFailed

_LOOK = 0.5  # seconds
_PATIENCE = 5.0  # seconds, with changes that the server refused

# What is still awaited, in words; none once all accounts had a sync that ended after this moment and left nothing over.
_AWAITED = """
SELECT a.email, CASE
    WHEN a.state <> 'live' THEN 'is in the state ' || a.state || ': ' || a.reason
    WHEN a.last_sync_at IS NULL OR a.last_sync_at < %s THEN CASE WHEN a.lease_expires_at > now()
        THEN 'is being synced, or was when its worker died' ELSE 'has not been synced since' END
    WHEN EXISTS (SELECT 1 FROM mail_folder f WHERE f.account_id = a.id AND f.selectable
        AND (f.state <> 'live' OR f.next_try_at IS NOT NULL)) THEN 'has a folder that the server refused'
    WHEN EXISTS (SELECT 1 FROM mail_gap g JOIN mail_folder f ON f.id = g.folder_id WHERE f.account_id = a.id)
        THEN 'has a message that the server did not hand out, which is asked for again later'
    WHEN EXISTS (SELECT 1 FROM mail_message m WHERE m.account_id = a.id AND m.orphaned_at IS NOT NULL)
        THEN 'has a message without a place, which may show up again'
    WHEN EXISTS (SELECT 1 FROM mail_action c WHERE c.account_id = a.id AND c.state = 'pending')
        THEN 'has a change that its server does not know yet'
    WHEN a.search_seq < a.log_seq THEN 'has words that are not indexed'
  END
FROM accounts_account a ORDER BY a.email
"""


# Only an operator can end a dead worker's lease early: pausing takes it away.
_RESUME = """
from accounts.models import Account
from mail import intent
for account_id in Account.objects.values_list("id", flat=True):
    intent.pause(account_id), intent.resume(account_id)
"""


# A change that the server refuses is tried for hours, in case a folder comes back that is gone.
_IMPATIENCE = """
UPDATE mail_action SET created_at = now() - interval '7 hours', next_try_at = now()
WHERE state = 'pending' AND error <> '' RETURNING number, message_id
"""


def resume(farm: Farm) -> None:
    """Pause and resume every account, so that none waits for the lease of a worker that was killed."""
    farm.manage("shell", "-v", "0", "-c", _RESUME)


def repair(farm: Farm, mailbox: Mailbox) -> int:
    """`audit --repair` with every byte, when no worker is at it; how many differences it found."""
    until = time.monotonic() + 120
    while True:
        done = farm.manage("audit", mailbox.user, "--repair", "--sample", str(10**9))
        if "another worker" not in done.stderr or time.monotonic() > until:
            return done.stdout.partition("Repaired;")[0].count("\n") if "Repaired;" in done.stdout else 0
        time.sleep(_LOOK)


def settle(farm: Farm, seconds: float, told: Callable[[str], None]) -> list[str]:
    """Wait while the readers go on asking for syncs. What is still awaited when the time is up, in words.

    Twice over: a sync that was under way when the storm ended may have looked before its last change.
    """
    until = time.monotonic() + seconds
    impatient = time.monotonic() + _PATIENCE
    awaited: list[str] = []
    for _ in range(2):
        moment = _patiently(farm, "SELECT 'now', now()::text", until)[0][1]
        settled: set[str] = set()  # the others' syncs, and those that readers ask for all the time, say nothing of them
        while awaited := _awaited(farm, moment, until, settled):
            if time.monotonic() > until:
                return [f"after {seconds:g} seconds of calm {each}" for each in awaited]
            told(f"waiting: {awaited[0]}")
            if time.monotonic() > impatient:
                _patiently(farm, _IMPATIENCE, until)
                impatient = time.monotonic() + _PATIENCE
            time.sleep(_LOOK)
    return []


def _awaited(farm: Farm, moment: str, until: float, settled: set[str]) -> list[str]:
    farm.check()
    rows = _patiently(farm, _AWAITED, until, moment)
    settled |= {email for email, what in rows if not what}
    return [f"{email} {what}" for email, what in rows if email not in settled]


def _patiently(farm: Farm, query: str, until: float, *values: object) -> list[tuple[str, str]]:
    """The rows, once PostgreSQL answers again. Raises FarmFailed when the time is up."""
    while True:
        try:
            return [(str(name), str(what or "")) for name, what in farm.rows(query, *values)]
        except (psycopg2.Error, OSError) as error:
            if time.monotonic() > until:
                raise FarmFailed(f"PostgreSQL does not come back: {error}") from error
            time.sleep(_LOOK)
