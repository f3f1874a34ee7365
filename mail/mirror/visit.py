"""One folder, brought up to date as far as it is mirrored: flags, expunges, new mail, gaps."""

from collections.abc import Iterator
from dataclasses import replace

from django.utils import timezone

from mail import store
from mail.mirror.arrivals import copy
from mail.mirror.turn import Turn
from mail.sync.visit import FLAGS_WINDOW, VisitPlan, counts_disagree, diff_flags, diff_uids, plan_visit
from mail.types import Changes, LocalFolder, Selected, SyncPoint


def visit(turn: Turn, folder: LocalFolder) -> bool:
    """Select the folder and follow the plan. False if the turn ended before all new mail was taken.

    Raises FolderFailed, ConnectionFailed, LeaseLost.
    """
    selected = turn.session.select(folder.wire_name, since=_sync_point(folder))
    plan = plan_visit(folder, selected, turn.session.strategy, thorough=turn.thorough)
    if plan.reset:
        begin(turn, folder, selected)
        return True
    folder, overlooked = _learn(turn, folder, selected, plan)
    if folder.uidnext < selected.uidnext:
        new = _unplaced(turn, folder, selected)
        folder = copy(turn, folder, new, lambda uids: {"uidnext": uids[-1] + 1})
        if new and folder.uidnext <= new[-1]:
            return False
        with turn.writing() as batch:
            folder = store.checkpoint(batch, folder, uidnext=selected.uidnext)
    if folder.gap_due:
        folder = _retry_gaps(turn, folder)
    if overlooked or counts_disagree(folder, selected.exists):
        _compare_uids(turn, folder, selected.exists)
    if folder.failures and folder.backfill_uid <= 1:  # they have passed, though no mail came
        with turn.writing() as batch:
            store.checkpoint(batch, folder, uidnext=folder.uidnext)
    return True


def _unplaced(turn: Turn, folder: LocalFolder, selected: Selected) -> list[int]:
    """The UIDs from the sync point on, but for those to which this farm moved mail itself."""
    listed = turn.session.uids(folder.uidnext, selected.uidnext - 1)
    placed = store.flags_between(folder, folder.uidnext, selected.uidnext - 1).keys()
    if placed - set(listed):
        with turn.writing() as batch:
            store.forget_places(batch, folder, placed - set(listed))
    return [uid for uid in listed if uid not in placed]


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


def _learn(turn: Turn, folder: LocalFolder, selected: Selected, plan: VisitPlan) -> tuple[LocalFolder, bool]:
    """Apply changed flags and expunges, and move the sync point past them, in one transaction.

    Also: whether the server tells of a UID that should be known and is not. It listed that one late, and by then as
    many others may have gone: the counts agree. Then the mod-sequence stays, so that the server tells again.
    """
    found, flags_uid = _changes(turn, folder, selected, plan)
    known = store.flags_of(folder, found.flags)
    strange = {uid for uid in found.flags.keys() - known.keys() if folder.backfill_uid <= uid < folder.uidnext}
    overlooked = bool(strange) and bool(strange - store.gap_attempts(folder, strange).keys())
    with turn.writing() as batch:
        store.change_flags(batch, folder, diff_flags(known, found.flags))
        if found.vanished:
            store.forget_places(batch, folder, found.vanished)
            store.settle_gaps(batch, folder, found.vanished)
        modseq = folder.highestmodseq if overlooked else selected.highestmodseq
        folder = store.checkpoint(batch, folder, highestmodseq=modseq, flags_uid=flags_uid)
    return folder, overlooked


def _changes(turn: Turn, folder: LocalFolder, selected: Selected, plan: VisitPlan) -> tuple[Changes, int]:
    """What changed, and down to which UID older flags have been compared now."""
    if plan.learn == "answered":
        return Changes(selected.flags, selected.vanished), folder.flags_uid
    if plan.learn == "since":
        point = _sync_point(folder)
        assert point is not None, "a plan that asks what changed since has a sync point"
        return turn.session.changes(point), folder.flags_uid
    flags: dict[int, frozenset[str]] = {}
    gone: set[int] = set()
    low = 0
    for low, high in _windows(folder, plan, max(folder.uidnext, selected.uidnext)):
        there = turn.session.flags(low, high)
        flags |= there
        missing = store.flags_between(folder, low, high).keys() - there.keys()
        if missing:  # expunged, or the server left them out: some do, of messages that they fail at
            gone |= missing.difference(turn.session.uids(low, high))
    return Changes(flags, frozenset(gone)), low


def _windows(folder: LocalFolder, plan: VisitPlan, below: int) -> Iterator[tuple[int, int]]:
    """Ranges of UIDs whose flags to compare: bounded by messages, for UIDs may lie far apart. `below` the server's
    uidnext, not ours: what this farm moved there came with the flags that it knew."""
    if plan.learn == "nothing":
        return
    newest = store.window_below(folder, below, FLAGS_WINDOW)
    if newest is None:
        return
    yield newest
    if plan.learn == "everything":
        while newest := store.window_below(folder, newest[0], FLAGS_WINDOW):
            yield newest
        return
    wandering = store.window_below(folder, min(folder.flags_uid or newest[0], newest[0]), FLAGS_WINDOW)
    older = wandering or store.window_below(folder, newest[0], FLAGS_WINDOW)
    if older:
        yield older


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
    return copy(turn, folder, [uid for uid in due if uid in listed], lambda _uids: {}, alone=True)


def _compare_uids(turn: Turn, folder: LocalFolder, exists: int) -> None:
    """The counts disagree: find what is gone and what was missed, UID by UID; also above a UIDNEXT that lies low.

    `exists`: messages that the server says there are. If it lists fewer, those that it left out are asked for.
    """
    server = turn.session.uids(1)
    known = store.known_uids(folder)
    highest = max([folder.uidnext - 1, *server[-1:], *known])
    diff = diff_uids(known, server, folder.backfill_uid, highest)
    gone = diff.gone
    if gone and len(server) < exists:
        gone -= {entry.uid for entry in turn.session.entries(sorted(gone))}
    if gone:
        with turn.writing() as batch:
            store.forget_places(batch, folder, gone)
            store.settle_gaps(batch, folder, gone)
            folder = store.checkpoint(batch, folder)
    copy(turn, folder, sorted(diff.missing), lambda _uids: {})
