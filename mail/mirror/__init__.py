"""The whole story of a sync: open a session, read both states, plan, apply, checkpoint.

A turn is bounded in time. It makes passes over the mailbox: each learns of all folders at once, visits those that
changed, and then goes on copying older mail, newest first, the inbox first. A pass that saw every folder whole ends by
deleting the messages that had lost their last place before it began; a move has shown itself by then.
"""

import logging
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from django.utils import timezone

from accounts.models import Account
from mail import lease, store
from mail.mirror import backfill, outcome
from mail.mirror.login import login_for
from mail.mirror.opening import check_host, opened
from mail.mirror.turn import Turn
from mail.mirror.visit import visit
from mail.sync.folders import needs_visit, plan_folders, visiting_order
from mail.sync.schedule import retry_delay
from mail.types import ConnectionFailed, FolderFailed, FolderVanished, LeaseLost, LocalFolder, MailError, RemoteFolder

log = logging.getLogger(__name__)

TURN = timedelta(seconds=30)  # then the account queues again, so that new mail is looked for
PASSES = 3
GRACE = timedelta(hours=1)  # for a message to show up again while the server refuses some folder

_LOST = "the account was taken away: paused, removed, or synced by another worker"


@dataclass(frozen=True, slots=True)
class Result:
    """How a turn ended. `more`: older mail is still to be copied; `failing`: folders that the server refused."""

    more: bool = False
    failing: int = 0
    error: MailError | None = None


def sync_account(
    account_id: UUID,
    claim: UUID,
    *,
    budget: timedelta = TURN,
    thorough: bool = False,
    on_commit: Callable[[], None] = lambda: None,
) -> Result:
    """Sync one account under a claimed lease, and note on the account how it went. Raises LeaseLost.

    `thorough` is somebody's own wish: every flag is compared even where the server cannot tell what changed, and a host
    that seems down is asked all the same. `on_commit` is called after each batch.
    """
    with lease.held(account_id, claim) as ours:
        token = ours.token
        account = Account.objects.get(id=account_id)
        started = timezone.now()
        outcome.begun(account, token)
        try:
            login = login_for(account)
            if not thorough:
                check_host(login)
            with opened(login) as session:
                ours.when_lost(lambda: session.stop(_LOST))
                result = _passes(Turn(account_id, token, session, budget.total_seconds(), thorough, on_commit))
                capabilities = session.capabilities
        except MailError as error:
            if ours.lost:
                raise LeaseLost(_LOST) from error
            outcome.failed(account, token, error)
            return Result(error=error)
        except MemoryError:  # Celery would take it for the worker's end and never free the task's slot
            too_large = MailError("The server sent more at once than there is memory for.")
            outcome.failed(account, token, too_large)
            return Result(error=too_large)
        except Exception as error:
            outcome.failed(
                account, token, MailError(f"Syncfarm itself failed on this mailbox ({type(error).__name__})")
            )
            raise
        outcome.succeeded(account, token, started, capabilities, more=result.more, failing=result.failing)
        return result


def _passes(turn: Turn) -> Result:
    result = Result()
    for _ in range(PASSES):
        began = store.database_now()
        result = _one_pass(turn)
        # A message without a place may have moved to where an unfinished pass did not get: it waits.
        whole = not result.more and not result.failing
        while _sweep(turn, began if whole else began - GRACE):
            pass
        if not whole or not store.has_orphans(turn.account_id):
            break
    return result


def _sweep(turn: Turn, before: datetime) -> bool:
    """Delete some orphans; whether there may be more."""
    with store.writing(turn.account_id, turn.token) as batch:
        return store.sweep_orphans(batch, before) == store.SWEEP


def _one_pass(turn: Turn) -> Result:
    pairs = _match_folders(turn)
    ends = Counter[End]()
    for ours, theirs in pairs:
        waits = ours.next_try_at is not None and ours.next_try_at > timezone.now() and not turn.thorough
        if waits:
            ends[End.FAILED] += 1
        elif turn.thorough or needs_visit(ours, theirs, turn.session.strategy):
            ends[_contained(turn, ours, visit)] += 1
    ends += _copy_older(turn.with_time_to_copy(), [ours.id for ours, _theirs in pairs])
    more = any(folder.backfill_uid > 1 and not folder.next_try_at for folder in store.local_folders(turn.account_id))
    return Result(more=more or ends[End.UNFINISHED] > 0, failing=ends[End.FAILED])


def _copy_older(turn: Turn, order: list[UUID]) -> "Counter[End]":
    """Spend the rest of the turn on folders that are not whole yet."""
    ends = Counter[End]()
    folders = {folder.id: folder for folder in store.local_folders(turn.account_id)}
    ordered = (folders[folder_id] for folder_id in order)
    for folder in [folder for folder in ordered if folder.backfill_uid > 1 and not folder.next_try_at]:
        ends[_contained(turn, folder, backfill.backfill)] += 1
        if turn.is_over():
            break
    return ends


def _match_folders(turn: Turn) -> list[tuple[LocalFolder, RemoteFolder]]:
    """Bring the folder list in line, and pair the folders that hold mail in the order of their visits."""
    remote = turn.session.folders()
    plan = plan_folders(store.local_folders(turn.account_id), remote)
    with store.writing(turn.account_id, turn.token) as batch:
        store.change_folders(batch, plan)
    by_name = {folder.wire_name: folder for folder in store.local_folders(turn.account_id)}
    listed = sorted((folder for folder in remote if folder.selectable), key=visiting_order)
    return [(by_name[folder.wire_name], folder) for folder in listed]


class End(Enum):
    """How the work on one folder ended."""

    DONE = "done"
    UNFINISHED = "unfinished"  # the turn's time was up
    FAILED = "failed"


def _contained(turn: Turn, folder: LocalFolder, work: Callable[[Turn, LocalFolder], bool]) -> End:
    """If the server refuses the folder, the others go on. If it hangs up, they go on in the next turn, without it."""
    try:
        return End.DONE if work(turn, folder) else End.UNFINISHED
    except FolderVanished as error:
        log.info("account %s folder %s: %s", turn.account_id, folder.id, error)
        return End.DONE  # the next list will say so
    except FolderFailed as error:
        _note_failure(turn, folder, error)
        return End.FAILED
    except ConnectionFailed as error:
        _note_failure(turn, folder, error)
        raise


def _note_failure(turn: Turn, folder: LocalFolder, error: MailError) -> None:
    log.info("account %s folder %s: %s", turn.account_id, folder.id, error)
    again = timezone.now() + retry_delay(folder.failures + 1, random.random())  # noqa: S311 -- jitter
    with store.writing(turn.account_id, turn.token) as batch:
        store.folder_failed(batch, folder, str(error), again)
