"""The whole story of a sync: open a session, read both states, plan, apply, checkpoint.

A turn is bounded in time. It begins by carrying to the server what was changed here (mail.mirror.syncback), and ends
early if more of that comes. Then it makes passes over the mailbox: each learns of all folders at once, visits those
that changed, and then goes on copying older mail, newest first, the inbox first. A pass that saw every folder whole
ends by deleting the messages that had lost their last place before it began; a move has shown itself by then.
"""

import logging
import random
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from uuid import UUID

from django.utils import timezone

from accounts import presets
from mail import lease, store
from mail.mirror import backfill, outcome
from mail.mirror.company import MOST, Company
from mail.mirror.login import login_for
from mail.mirror.opening import LOST, further, opened, record_of
from mail.mirror.outcome import Found
from mail.mirror.syncback import carry_out
from mail.mirror.turn import Turn
from mail.mirror.visit import visit
from mail.store import Survey
from mail.sync.folders import needs_visit, plan_folders, visiting_order
from mail.sync.schedule import retry_delay
from mail.types import ConnectionFailed, FolderFailed, FolderVanished, LeaseLost, LocalFolder, MailError, RemoteFolder

log = logging.getLogger(__name__)

TURN = timedelta(seconds=30)  # then the account queues again, so that new mail is looked for
PASSES = 3
DEATHS = 2  # after so many processes that died at it, an account's messages are taken one by one
GRACE = timedelta(hours=1)  # for a message to show up again while the server refuses some folder


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
        outcome.begun(ours)
        try:
            found = _turn(ours, budget, thorough, on_commit)
        except MailError as error:
            if ours.lost:
                raise LeaseLost(LOST) from error
            outcome.failed(ours, error)
            return Result(error=error)
        except MemoryError:  # Celery would take it for the worker's end and never free the task's slot
            too_large = MailError("The server sent more at once than there is memory for.")
            outcome.failed(ours, too_large)
            return Result(error=too_large)
        except Exception as error:
            outcome.failed(ours, MailError(f"Syncfarm itself failed on this mailbox ({type(error).__name__})"))
            raise
        outcome.succeeded(ours, found)
        return Result(more=found.more, failing=found.failing)


def _turn(ours: lease.Lease, budget: timedelta, thorough: bool, on_commit: Callable[[], None]) -> Found:
    account_id = ours.account.id
    login = login_for(ours.account)
    record = record_of(login, insist=thorough)
    survey = store.survey(account_id)
    company = Company(min(MOST, presets.connections(login.host)) - 1, lambda: further(login, record, ours))
    with opened(login, record, ours) as session, closing(company):
        careful = ours.account.deaths > DEATHS
        files_sent = presets.files_sent_mail(ours.account.settings.get("smtp_host") or "")
        seconds = budget.total_seconds()
        turn = Turn(account_id, ours.token, session, seconds, thorough, on_commit, careful, company, files_sent)
        return _passes(turn, survey)


def _passes(turn: Turn, first: Survey) -> Found:
    """`first` is what the mirror holds at the beginning."""
    survey, more, failing = first, False, 0
    if first.wished_at and first.wished_at <= first.at and carry_out(turn, first.folders):
        survey = store.survey(turn.account_id)
    for _ in range(PASSES):
        began = survey
        survey, ends = _one_pass(turn, began)
        more = ends[End.UNFINISHED] > 0 or any(_is_to_be_copied(folder) for folder in survey.folders)
        failing = ends[End.FAILED]
        whole = not more and not failing and not survey.withheld and not ends[End.VANISHED]
        if began.orphans:
            # A message without a place may have moved to where an unfinished pass did not get, or be what the server
            # withholds: it waits.
            while _sweep(turn, began.at if whole else began.at - GRACE):
                pass
            survey = store.survey(turn.account_id)
        if not (whole or ends[End.VANISHED]) or not survey.orphans:
            break
    complete = not any(folder.backfill_uid > 1 for folder in survey.folders)
    changed = survey.changed_at != first.changed_at
    wished_at = store.next_action_at(turn.account_id) if first.wished_at or turn.wished.is_set() else None
    return Found(more, failing, complete, changed, wished_at, turn.open_session.capabilities)


def _sweep(turn: Turn, before: datetime) -> bool:
    """Delete some orphans; whether there may be more."""
    with store.writing(turn.account_id, turn.token) as batch:
        return store.sweep_orphans(batch, before) == store.SWEEP


def _one_pass(turn: Turn, survey: Survey) -> tuple[Survey, "Counter[End]"]:
    """Look into what changed, then copy older mail. What the mirror holds is read again only after work on it."""
    pairs, touched = _match_folders(turn, survey.folders)
    ends: dict[UUID, End] = {}
    for ours, theirs in pairs:
        waits = ours.next_try_at is not None and ours.next_try_at > timezone.now() and not turn.thorough
        if waits:
            ends[ours.id] = End.FAILED
        elif turn.thorough or needs_visit(ours, theirs, turn.open_session.strategy):
            ends[ours.id] = _contained(turn, ours, visit)
            touched = True
    if touched:
        survey = store.survey(turn.account_id)
    if survey.wished_at:
        unseen = {folder for folder, end in ends.items() if end is not End.DONE}
        if carry_out(turn, survey.folders, unseen):
            survey = store.survey(turn.account_id)
    counted = Counter(ends.values())
    folders = {folder.id: folder for folder in survey.folders}
    older = [folder for ours, _ in pairs if (folder := folders.get(ours.id)) and _is_to_be_copied(folder)]
    if older:
        counted += _copy_older(turn.with_time_to_copy(), older)
        survey = store.survey(turn.account_id)
    return survey, counted


def _is_to_be_copied(folder: LocalFolder) -> bool:
    return folder.backfill_uid > 1 and not folder.next_try_at


def _copy_older(turn: Turn, folders: list[LocalFolder]) -> "Counter[End]":
    """Spend the rest of the turn on folders that are not whole yet."""
    ends = Counter[End]()
    for folder in folders:
        ends[_contained(turn, folder, backfill.backfill)] += 1
        if turn.is_over():
            break
    return ends


def _match_folders(turn: Turn, local: list[LocalFolder]) -> tuple[list[tuple[LocalFolder, RemoteFolder]], bool]:
    """Bring the folder list in line, and pair the folders that hold mail in the order of their visits. Also: whether
    anything was written."""
    remote = turn.session.folders()
    plan = plan_folders(local, remote)
    changes = store.changes_folders(plan)
    pairs = plan.kept
    if changes:
        with store.writing(turn.account_id, turn.token) as batch:
            store.change_folders(batch, plan)
        by_name = {folder.wire_name: folder for folder in store.local_folders(turn.account_id)}
        pairs = [(by_name[folder.wire_name], folder) for folder in remote]
    return sorted((pair for pair in pairs if pair[1].selectable), key=lambda pair: visiting_order(pair[1])), changes


class End(Enum):
    """How the work on one folder ended."""

    DONE = "done"
    UNFINISHED = "unfinished"  # the turn's time was up
    FAILED = "failed"
    VANISHED = "vanished"  # since it was listed; the next list tells whether it has another name now


def _contained(turn: Turn, folder: LocalFolder, work: Callable[[Turn, LocalFolder], bool]) -> End:
    """If the server refuses the folder, the others go on. If it hangs up, they go on in the next turn, without it."""
    try:
        return End.DONE if work(turn, folder) else End.UNFINISHED
    except FolderVanished as error:
        log.info("account %s folder %s: %s", turn.account_id, folder.id, error)
        return End.VANISHED
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
