from datetime import timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from mail.sync.schedule import BUSY, SLEEPY, gap_delay, next_interval, retry_delay
from mail.sync.visit import BATCH_BYTES, BATCH_MESSAGES, LARGE, batches, diff_flags, diff_uids, plan_visit, room
from mail.types import Entry, LocalFolder, Selected

KNOWN = LocalFolder(UUID(int=1), "A", "A", uidvalidity=5, uidnext=100, highestmodseq=40, mirrored=99)


def test_a_changed_uidvalidity_starts_over_also_downwards() -> None:
    assert plan_visit(KNOWN, Selected(uidvalidity=4, uidnext=3, exists=2), "qresync").reset


def test_qresync_answers_in_its_select() -> None:
    plan = plan_visit(KNOWN, Selected(5, 100, 99, highestmodseq=41, resynced=True), "qresync")
    assert plan.learn == "answered"


def test_condstore_asks_what_changed_since() -> None:
    assert plan_visit(KNOWN, Selected(5, 100, 99, highestmodseq=41), "condstore").learn == "since"


def test_an_equal_modseq_asks_nothing() -> None:
    assert plan_visit(KNOWN, Selected(5, 100, 99, highestmodseq=40), "condstore").learn == "nothing"


def test_a_modseq_that_went_backwards_compares_every_flag() -> None:
    plan = plan_visit(KNOWN, Selected(5, 100, 99, highestmodseq=39, resynced=True), "qresync")
    assert plan.learn == "everything"


def test_a_uidnext_that_fell_starts_over() -> None:
    assert plan_visit(KNOWN, Selected(5, 99, 98, highestmodseq=40), "condstore").reset


def test_without_condstore_flags_are_compared_in_windows_and_all_of_them_by_wish() -> None:
    assert plan_visit(KNOWN, Selected(5, 100, 99), "full").learn == "windows"
    assert plan_visit(KNOWN, Selected(5, 100, 99), "full", thorough=True).learn == "everything"


@given(st.sets(st.integers(1, 60)), st.sets(st.integers(1, 60)), st.integers(1, 60), st.integers(1, 60))
def test_applying_a_uid_difference_makes_both_sides_equal(
    known: set[int], server: set[int], low: int, high: int
) -> None:
    diff = diff_uids(known, server, low, high)
    after = (known - diff.gone) | diff.missing
    assert {uid for uid in after if low <= uid <= high} == {uid for uid in server if low <= uid <= high}
    assert not any(diff_uids(after, server, low, high).__getattribute__(side) for side in ("gone", "missing"))


@given(st.lists(st.integers(0, 3 * BATCH_BYTES // 2), max_size=40), st.integers(1, 2 * BATCH_BYTES))
def test_batches_keep_order_and_bounds(sizes: list[int], cap: int) -> None:
    entries = [Entry(uid, size) for uid, size in enumerate(sizes, 1)]
    cut = list(batches(entries, cap))
    assert [entry for batch, _large in cut for entry in batch] == entries
    for batch, large in cut:
        assert large == (batch[0].size > cap)
        assert len(batch) == 1 or sum(entry.size for entry in batch) <= BATCH_BYTES
        assert len(batch) == 1 or max(entry.size for entry in batch) <= LARGE
        assert room(batch) <= BATCH_BYTES
        assert len(batch) <= BATCH_MESSAGES


def test_flags_of_unknown_uids_are_no_difference() -> None:
    assert diff_flags({1: frozenset({"a"})}, {1: frozenset(), 2: frozenset()}) == {1: frozenset()}


def test_a_quiet_mailbox_is_asked_less_and_less_and_a_busy_one_at_once() -> None:
    interval = BUSY
    for _ in range(30):
        interval = next_interval(interval, changed=False)
    assert interval == SLEEPY
    assert next_interval(interval, changed=True) == BUSY


def test_retries_back_off_to_a_bound_and_never_overflow() -> None:
    assert timedelta(seconds=4) <= retry_delay(1, 0.0) <= retry_delay(1, 0.999) <= timedelta(seconds=6)
    assert retry_delay(5000, 0.999) <= timedelta(seconds=1800 * 1.2)
    assert gap_delay(1) == timedelta(minutes=1)
    assert gap_delay(5000) == timedelta(hours=6)
