"""What to do in a selected folder: pure decisions, each a named case.

A visit learns flags and expunges by the best means the server has, takes new mail, retries gaps, goes on copying older
mail, and compares UIDs only if the counts say that something is missing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mail.types import Entry, LocalFolder, Selected

FLAGS_WINDOW = 5000  # messages per flags comparison where the server cannot tell what changed; about 250 kB on the wire
BATCH_MESSAGES = 500  # one commit, one checkpoint: what a kill -9 loses at most; 200 cost a tenth more time
BATCH_BYTES = 8 * 1024 * 1024
LARGE = 4 * 1024 * 1024  # octets of a message that is fetched in pieces, into a file
ENTRIES = 2000  # sizes and ids per round trip


@dataclass(frozen=True, slots=True)
class VisitPlan:
    """`reset`: start over, UIDs mean something else now. `learn`: how changes of known UIDs are found: "answered"
    (QRESYNC told in its SELECT), "since" (FETCH CHANGEDSINCE), "windows" (compare flags of the newest mail and of one
    window of older mail, which wanders), "everything" (compare all flags), or "nothing"."""

    reset: bool
    learn: str = "nothing"


def plan_visit(local: LocalFolder, selected: Selected, strategy: str, *, thorough: bool = False) -> VisitPlan:
    """Decide from the sync point and the answer to SELECT. `thorough`: where windows are the means, all of them."""
    if local.uidvalidity != selected.uidvalidity or selected.uidnext < local.uidnext:
        # A UIDNEXT never falls (RFC 3501 §2.3.1.1): the folder was made anew, or a backup restored, under one value.
        return VisitPlan(reset=True)
    if local.uidnext <= 1:
        # Nothing is known of it but where this farm moved mail since: with flags that may have been changed meanwhile.
        return VisitPlan(reset=False, learn="windows" if selected.uidnext > 1 else "nothing")
    if strategy == "full" or not selected.highestmodseq:
        return VisitPlan(reset=False, learn="everything" if thorough else "windows")
    if selected.highestmodseq < local.highestmodseq or not local.highestmodseq:
        # The server lost its index, was restored, or has just learned CONDSTORE: "since" would tell nothing.
        return VisitPlan(reset=False, learn="everything")
    if selected.resynced:
        return VisitPlan(reset=False, learn="answered")
    return VisitPlan(reset=False, learn="nothing" if selected.highestmodseq == local.highestmodseq else "since")


@dataclass(frozen=True, slots=True)
class UidDiff:
    """`gone`: mirrored or gaps, and no longer on the server. `missing`: on the server, within the range that the mirror
    claims to know, and not known."""

    gone: frozenset[int]
    missing: frozenset[int]


def diff_uids(known: Iterable[int], server: Iterable[int], low: int, high: int) -> UidDiff:
    """Compare UIDs within [low, high]; what lies outside is not yet the mirror's business."""
    ours = {uid for uid in known if low <= uid <= high}
    theirs = {uid for uid in server if low <= uid <= high}
    return UidDiff(gone=frozenset(ours - theirs), missing=frozenset(theirs - ours))


def diff_flags(known: Mapping[int, frozenset[str]], server: Mapping[int, frozenset[str]]) -> dict[int, frozenset[str]]:
    """Flags of known UIDs that the server has otherwise."""
    return {uid: flags for uid, flags in server.items() if uid in known and known[uid] != flags}


def batches(entries: Sequence[Entry], max_size: int) -> Iterator[tuple[list[Entry], bool]]:
    """Cut entries, in their order, into batches of bounded count and bytes: (entries, too_large).

    A large message comes alone; one over `max_size` with too_large set: only its header will be fetched.
    """
    batch: list[Entry] = []
    octets = 0
    for entry in entries:
        alone = entry.size > min(LARGE, max_size)
        if batch and (alone or len(batch) >= BATCH_MESSAGES or octets + entry.size > BATCH_BYTES):
            yield batch, False
            batch, octets = [], 0
        if alone:
            yield [entry], entry.size > max_size
            continue
        batch.append(entry)
        octets += entry.size
    if batch:
        yield batch, False


def room(batch: Iterable[Entry]) -> int:
    """Octets of a batch that are in memory at once."""
    return sum(min(entry.size, LARGE) for entry in batch)


def counts_disagree(local: LocalFolder, exists: int) -> bool:
    """Whether a complete folder holds more or less than the server says: the UIDs must be compared."""
    return local.backfill_uid <= 1 and local.mirrored + local.gaps != exists
