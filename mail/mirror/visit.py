"""One folder, brought up to date as far as it is mirrored: flags, expunges, new mail, gaps."""

from dataclasses import replace

from django.utils import timezone

from mail import store
from mail.mirror.arrivals import copy
from mail.mirror.turn import Turn
from mail.sync.visit import VisitPlan, counts_disagree, diff_flags, diff_uids, plan_visit
from mail.types import Changes, LocalFolder, Selected, SyncPoint


def visit(turn: Turn, folder: LocalFolder) -> None:
    """Select the folder and follow the plan. Raises FolderFailed, ConnectionFailed, LeaseLost."""
    selected = turn.session.select(folder.wire_name, since=_sync_point(folder))
    plan = plan_visit(folder, selected, turn.session.strategy, thorough=turn.thorough)
    if plan.reset:
        begin(turn, folder, selected)
        return
    folder = _learn(turn, folder, selected, plan)
    if folder.uidnext < selected.uidnext:
        new = turn.session.uids(folder.uidnext, selected.uidnext - 1)
        folder = copy(turn, folder, new, lambda uids: {"uidnext": uids[-1] + 1})
        with turn.writing() as batch:
            folder = store.checkpoint(batch, folder, uidnext=selected.uidnext)
    if folder.gap_due:
        folder = _retry_gaps(turn, folder)
    if counts_disagree(folder, selected.exists):
        _compare_uids(turn, folder)


def begin(turn: Turn, folder: LocalFolder, selected: Selected) -> LocalFolder:
    """A folder seen for the first time, or whose UIDs mean something else now: copy it anew, ids stay."""
    with turn.writing() as batch:
        folder = store.begin_folder(batch, folder, selected)
        if folder.backfill_uid <= 1:
            store.finish_reset(batch, folder)
            folder = store.checkpoint(batch, folder)
    return folder


def _sync_point(folder: LocalFolder) -> SyncPoint | None:
    if not folder.uidvalidity or not folder.highestmodseq or folder.uidnext <= 1:
        return None
    return SyncPoint(folder.uidvalidity, folder.highestmodseq, folder.uidnext)


def _learn(turn: Turn, folder: LocalFolder, selected: Selected, plan: VisitPlan) -> LocalFolder:
    """Apply changed flags and expunges, and move the sync point past them, in one transaction."""
    found = _changes(turn, folder, selected, plan)
    known = store.flags_of(folder, found.flags)
    with turn.writing() as batch:
        store.change_flags(batch, folder, diff_flags(known, found.flags))
        if found.vanished:
            store.forget_places(batch, folder, found.vanished)
            store.settle_gaps(batch, folder, found.vanished)
        return store.checkpoint(
            batch, folder, highestmodseq=selected.highestmodseq, flags_uid=plan.next_flags_uid or folder.flags_uid
        )


def _changes(turn: Turn, folder: LocalFolder, selected: Selected, plan: VisitPlan) -> Changes:
    if plan.learn == "answered":
        return Changes(selected.flags, selected.vanished)
    if plan.learn == "since":
        point = _sync_point(folder)
        assert point is not None, "a plan that asks what changed since has a sync point"
        return turn.session.changes(point)
    flags: dict[int, frozenset[str]] = {}
    gone: set[int] = set()
    for low, high in plan.windows:
        there = turn.session.flags(low, high)
        flags |= there
        gone |= store.flags_between(folder, low, high).keys() - there.keys()
    return Changes(flags, frozenset(gone))


def _retry_gaps(turn: Turn, folder: LocalFolder) -> LocalFolder:
    """Ask again for UIDs that the server would not hand out; forget those that it no longer lists."""
    due = sorted(store.due_gaps(folder, timezone.now()))
    if not due:
        return replace(folder, gap_due=False)
    listed = set(turn.session.uids(due[0], due[-1]))
    gone = [uid for uid in due if uid not in listed]
    if gone:
        with turn.writing() as batch:
            store.settle_gaps(batch, folder, gone)
            folder = store.checkpoint(batch, folder)
    return copy(turn, folder, [uid for uid in due if uid in listed], lambda _uids: {})


def _compare_uids(turn: Turn, folder: LocalFolder) -> None:
    """The counts disagree: find what is gone and what was missed, UID by UID."""
    server = turn.session.uids(1)
    diff = diff_uids(store.known_uids(folder), server, folder.backfill_uid, folder.uidnext - 1)
    if diff.gone:
        with turn.writing() as batch:
            store.forget_places(batch, folder, diff.gone)
            store.settle_gaps(batch, folder, diff.gone)
            folder = store.checkpoint(batch, folder)
    copy(turn, folder, sorted(diff.missing), lambda _uids: {})
