"""Which accounts a watcher holds, in the database. All statements are short; none waits for a sync that commits.

A watcher renews one row of its own, and its accounts' rows are written only when they change hands or their watch does:
ten thousand leases would be rewritten every three seconds otherwise.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.backends.utils import CursorWrapper

from accounts.models import Account
from mail.mirror.login import login_for
from mail.types import AuthenticationFailed, Login
from mail.watch.standing import Standing

HOLD = 10.0  # seconds: what a dead watcher costs
BATCH = 1000  # accounts that change hands in a tick

# The dead are listed, not looked up within: PostgreSQL would expect half of the table of them and read it all.
_FREE = """
removed_at IS NULL AND state = 'live' AND (watcher IS NULL OR watcher = ANY (%s::uuid[]))
"""
_BEAT = """
INSERT INTO accounts_watcher AS w (id, accounts, expires_at) VALUES (%s, %s, now() + make_interval(secs => %s))
ON CONFLICT (id) DO UPDATE SET accounts = excluded.accounts, expires_at = excluded.expires_at
"""
_WATCHERS = "SELECT id, accounts, expires_at > now() FROM accounts_watcher"
_COUNT = f"SELECT count(*) FROM accounts_account WHERE {_FREE}"  # noqa: S608 -- words of this module
_UNWATCHED = "live_since = NULL, watch_mode = 'polling', watch_note = ''"
_CLAIM = f"""
UPDATE accounts_account SET watcher = %s, {_UNWATCHED}
WHERE id IN (SELECT id FROM accounts_account WHERE {_FREE} LIMIT %s FOR UPDATE SKIP LOCKED)
"""  # noqa: S608
_GIVE_UP = f"""
UPDATE accounts_account SET watcher = NULL, {_UNWATCHED}
WHERE id IN (SELECT id FROM accounts_account WHERE watcher = %s AND removed_at IS NULL AND {{}}
             LIMIT %s FOR UPDATE SKIP LOCKED)
"""  # noqa: S608
_HELD = "SELECT id, updated_at FROM accounts_account WHERE watcher = %s AND removed_at IS NULL AND state = 'live'"
_BURY = """
DELETE FROM accounts_watcher w WHERE expires_at < now() - interval '1 minute'
AND NOT EXISTS (SELECT FROM accounts_account a WHERE a.watcher = w.id AND a.removed_at IS NULL)
"""


def tick(watcher: UUID, capacity: int) -> dict[UUID, datetime]:
    """Renew, let go of what is not live any more, take or give so that the watchers share alike.

    Returns what is held then, with `updated_at`: what is as it was has the same login.
    """
    with connection.cursor() as cursor:
        cursor.execute(_GIVE_UP.format("state <> 'live'"), [watcher, BATCH])
        before = _beat(cursor, watcher)
        cursor.execute(_WATCHERS)
        watchers = cursor.fetchall()
        alive = [accounts for _, accounts, lives in watchers if lives]
        dead = [str(each) for each, _, lives in watchers if not lives]
        cursor.execute(_COUNT, [dead])
        free = cursor.fetchone()[0]
        share = min(capacity, -(-(sum(alive) + free) // len(alive)))
        surplus = len(before) - share
        if surplus > 0:
            cursor.execute(_GIVE_UP.format("TRUE"), [watcher, min(surplus, BATCH)])
        elif surplus < 0 and free:
            cursor.execute(_CLAIM, [watcher, dead, min(-surplus, BATCH)])
        else:
            return before
        return _beat(cursor, watcher)


def _beat(cursor: CursorWrapper, watcher: UUID) -> dict[UUID, datetime]:
    """Renew the lease. What is held: the others count on that it is told as it is."""
    cursor.execute(_HELD, [watcher])
    held = dict(cursor.fetchall())
    cursor.execute(_BEAT, [watcher, len(held), HOLD])
    return held


def end(watcher: UUID) -> None:
    """The watcher stops: others may take over at once."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_watcher SET expires_at = now() WHERE id = %s", [watcher])


def bury() -> None:
    """Forget watchers that died and that no account names any more."""
    with connection.cursor() as cursor:
        cursor.execute(_BURY)


def logins(account_ids: Iterable[UUID]) -> dict[UUID, Login | str]:
    """How to open each, or why it cannot be."""
    found: dict[UUID, Login | str] = {}
    for account in Account.objects.filter(id__in=list(account_ids)).only("id", "settings", "credentials"):
        try:
            found[account.pk] = login_for(account)
        except AuthenticationFailed as error:
            found[account.pk] = str(error)
    return found


def note(watcher: UUID, standings: Mapping[UUID, Standing]) -> None:
    """Write how watches stand; no reader's object changes, so neither updated_at nor the log do."""
    for account_id, standing in standings.items():
        Account.objects.filter(id=account_id, watcher=watcher).update(
            watch_mode=standing.mode, watch_note=standing.note, live_since=standing.live_since
        )
