"""Many hints are few wishes, the last of them never lost; connections and tries are spread."""

import itertools
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as some

from mail.types import AuthenticationFailed, ConnectionFailed
from mail.watch.desk import MISSED
from mail.watch.hints import SPACING, TOGETHER, Hints
from mail.watch.keeper import RETRIED, delay_after
from mail.watch.pacing import FIRST, LAST, Bucket, reconnect_delay
from mail.watch.session import CannotWatch

ANN, BOB = uuid4(), uuid4()


def test_the_two_hints_of_a_move_are_one_wish() -> None:
    hints = Hints()
    hints.add(ANN, 10.0)
    hints.add(ANN, 10.001)
    assert hints.due(10.001) == []
    assert hints.due(10.0 + TOGETHER) == [ANN]
    assert hints.rest(11) is None


def test_each_account_has_its_own_pace() -> None:
    hints = Hints()
    hints.add(ANN, 10.0)
    assert hints.due(10.1) == [ANN]
    hints.add(ANN, 10.1)
    hints.add(BOB, 10.1)
    assert hints.due(10.2) == [BOB]
    assert hints.due(10.1 + SPACING) == [ANN]


@given(some.lists(some.floats(0, 5), min_size=1, max_size=60))
def test_wishes_are_spaced_and_one_follows_the_last_hint(times: list[float]) -> None:
    hints, wishes, at = Hints(), [], 0.0
    for hint in sorted(times):
        while at < hint:
            at += 0.01
            wishes += [at for _ in hints.due(at)]
        hints.add(ANN, hint)
    while hints.rest(at) is not None:
        at += 0.01
        wishes += [at for _ in hints.due(at)]
    assert wishes[-1] >= max(times)
    assert wishes[-1] <= max(times) + SPACING + TOGETHER + 0.02
    assert all(later - earlier >= SPACING - 0.011 for earlier, later in itertools.pairwise(wishes))


def test_a_forgotten_account_has_no_wish() -> None:
    hints = Hints()
    hints.add(ANN, 10.0)
    hints.forget(ANN)
    assert hints.due(20.0) == []


def test_a_bucket_lets_its_burst_through_and_then_its_rate() -> None:
    bucket = Bucket(rate=10, burst=3)
    assert [round(bucket.take(100.0), 3) for _ in range(5)] == [0, 0, 0, 0.1, 0.2]
    assert bucket.take(200.0) == 0


def test_a_start_spreads_the_syncs_for_what_was_missed() -> None:
    bucket = Bucket(MISSED, 20)
    waits = [bucket.take(0.0) for _ in range(10_000)]
    assert waits.count(0.0) == 20
    assert 490 < waits[-1] < 500


def test_tries_get_rarer_up_to_a_bound_and_are_spread() -> None:
    assert reconnect_delay(1, 0.0) == FIRST / 2
    assert reconnect_delay(4, 0.5) == 8 * FIRST * 0.75
    assert LAST / 2 <= reconnect_delay(1000, 0.0) < reconnect_delay(1000, 0.99) < LAST


def test_a_refused_login_is_not_tried_again_and_a_server_that_cannot_tell_not_soon() -> None:
    assert delay_after(AuthenticationFailed("no", permanent=True), 1, 0.5) is None
    assert delay_after(AuthenticationFailed("not now"), 1, 0.5) == reconnect_delay(1, 0.5)
    assert delay_after(ConnectionFailed("it hung up"), 3, 0.5) == reconnect_delay(3, 0.5)
    assert delay_after(CannotWatch("it does not"), 1, 0.5) == RETRIED
