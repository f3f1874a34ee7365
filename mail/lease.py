"""Who may sync an account: a token with an expiry. Claims are handed out by the database, so Redis may forget them.

A claim is short: if its task is lost, the account is due again soon. The worker that takes the task holds the lease by
renewing it from a thread of its own, so that it outlives slow servers and dies with its process. Every write checks the
token (mail.store.writing), so that a worker that was stopped for long can never write over a newer holder.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db import DatabaseError, InterfaceError, OperationalError, connection
from django.utils import timezone

from accounts.models import Account, AccountState
from mail.types import LeaseLost

log = logging.getLogger(__name__)

CLAIM = timedelta(seconds=30)  # from claim to the worker's start
HOLD = timedelta(seconds=60)  # what a dead worker costs; a busy one must get round to renewing
RENEWAL = 10.0  # seconds
_TRIES = 15  # to give a lease back, a second apart

_CLAIM = """
UPDATE accounts_account SET lease_token = gen_random_uuid(), lease_expires_at = now() + make_interval(secs => %s)
WHERE id IN (
    SELECT id FROM accounts_account
    WHERE next_sync_at <= now() AND removed_at IS NULL AND state <> 'paused'
      AND (lease_expires_at IS NULL OR lease_expires_at <= now()) {condition}
    ORDER BY next_sync_at LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING id, lease_token, {wished}
"""
_WISHED = """EXISTS (
    SELECT 1 FROM mail_action w WHERE w.account_id = accounts_account.id AND w.state = 'pending'
    AND w.next_try_at <= now())"""
_TAKE = """
UPDATE accounts_account SET lease_token = %s, lease_expires_at = now() + make_interval(secs => %s),
    deaths = least(deaths + 1, 1000)
WHERE id = %s AND lease_token = %s AND removed_at IS NULL RETURNING *
"""

_GIVE_BACK = """
UPDATE accounts_account SET lease_token = NULL, lease_expires_at = NULL, deaths = 0{}
WHERE id = %s AND lease_token = %s AND removed_at IS NULL{}
"""


class Claim(NamedTuple):
    """A due account, and what its task takes it up by. `wished`: a change that was made here waits for its server."""

    account: UUID
    token: UUID
    wished: bool


def claim_due(limit: int, *, wished_only: bool = False) -> list[Claim]:
    """Claim up to `limit` due accounts, the longest waiting first. `wished_only`: those where a change waits."""
    statement = _CLAIM.format(condition=f"AND {_WISHED}" if wished_only else "", wished=_WISHED)
    with connection.cursor() as cursor:
        cursor.execute(statement, [CLAIM.total_seconds(), limit])
        return [Claim(*row) for row in cursor.fetchall()]


def claim(account_id: UUID) -> UUID:
    """Claim one account, due or not. Raises LeaseLost if another worker holds it, or somebody paused it."""
    token = uuid4()
    now = timezone.now()
    present = Account.objects.present().filter(id=account_id)
    free = present.exclude(state=AccountState.PAUSED).exclude(lease_expires_at__gt=now)
    if not free.update(lease_token=token, lease_expires_at=now + CLAIM):
        paused = present.filter(state=AccountState.PAUSED).exists()
        raise LeaseLost("it is paused; resume it first" if paused else "another worker is syncing it right now")
    return token


class Lease:
    """A lease as its holder sees it. `account` is its row as it was at the start; `token` is what writes are checked
    by; `lost`: it is known to be ours no more."""

    def __init__(self, account: Account, token: UUID) -> None:
        self.account = account
        self.token = token
        self.lost = False
        self._given_back = False
        self._stops: list[Callable[[], None]] = []

    def when_lost(self, stop: Callable[[], None]) -> None:
        """Call `stop`, from another thread and perhaps twice, once the lease is somebody else's or the account gone."""
        self._stops.append(stop)
        if self.lost:
            stop()

    def lose(self) -> None:
        """The renewal found it gone."""
        self.lost = True
        for stop in self._stops:
            stop()

    def give_back(self, known: Mapping[str, Any], **columns: Any) -> bool:
        """End the lease and write columns of the account, in one statement: if it is ours, and the row as `known`.

        Nothing may be written under the lease after it. False: nothing was written."""
        assigned = "".join(f", {name} = %s" for name in columns)
        expected = "".join(f" AND {name} IS NOT DISTINCT FROM %s" for name in known)
        # Not a query of the model: every sync ends with it, and it would cost a sixth of one that finds nothing new.
        with connection.cursor() as cursor:
            cursor.execute(
                _GIVE_BACK.format(assigned, expected),
                [*columns.values(), self.account.id, self.token, *known.values()],
            )
            self._given_back = bool(cursor.rowcount)
        return self._given_back

    def end(self) -> None:
        """Give it back if that has not happened; whoever else holds the account by now keeps it.

        A database that is being restarted is asked again for some seconds, or the account would rest for HOLD."""
        for _ in range(_TRIES):
            try:
                if not self._given_back:
                    self.give_back({})
            except (InterfaceError, OperationalError):
                connection.close()
                time.sleep(1)
            else:
                return


@contextmanager
def held(account_id: UUID, claimed: UUID) -> Iterator[Lease]:
    """Keep the lease while the block runs, and give it back.

    Its token replaces the claim's: a task that the broker delivers twice is one claim, and only the first gets to hold
    it. Raises LeaseLost if the claim was taken up or given to another since, or the account is paused or removed.
    """
    lease = _take(account_id, claimed)
    done = threading.Event()
    renewer = threading.Thread(target=_keep, args=(lease, done), name=f"lease {account_id}", daemon=True)
    renewer.start()
    try:
        yield lease
    finally:
        done.set()
        renewer.join()
        lease.end()


def _take(account_id: UUID, claimed: UUID) -> Lease:
    token = uuid4()
    taken = list(Account.objects.raw(_TAKE, [token, HOLD.total_seconds(), account_id, claimed]))
    if not taken:
        raise LeaseLost(f"the claim on account {account_id} has lapsed or was taken up already")
    return Lease(taken[0], token)


def _keep(lease: Lease, done: threading.Event) -> None:
    while not done.wait(RENEWAL):
        try:
            if not _renew(lease.account.id, lease.token):
                lease.lose()
                return
        except DatabaseError as error:
            log.warning("lease of account %s not renewed: %s", lease.account.id, error)
        finally:
            connection.close()


def _renew(account_id: UUID, token: UUID) -> bool:
    # Never brings back a lease that was given away: the token must still be ours.
    return bool(
        Account.objects.filter(id=account_id, lease_token=token, removed_at=None).update(
            lease_expires_at=timezone.now() + HOLD
        )
    )
