"""Work a step ahead of its consumer, and the room that bounds it."""

import threading
from collections.abc import Iterator

import pytest

from mail.mirror.ahead import Ahead
from mail.mirror.room import Room


def nothing() -> None:
    """No session to break."""


def ahead(produce: Iterator[int]) -> Ahead[int]:
    dropped: list[int] = []
    return Ahead(produce, abandon=nothing, drop=dropped.append)


def test_all_items_come_in_order() -> None:
    with ahead(iter(range(50))) as items:
        assert list(items) == list(range(50))


def test_the_next_item_is_made_while_this_one_is_used() -> None:
    made = [threading.Event() for _ in range(3)]

    def produce() -> Iterator[int]:
        for number, event in enumerate(made):
            event.set()
            yield number

    with ahead(produce()) as items:
        for number in items:
            if number == 0:
                assert made[1].wait(10)


def test_what_ends_the_work_is_raised_after_what_came_before_it() -> None:
    def produce() -> Iterator[int]:
        yield 1
        raise ValueError("no more")

    taken: list[int] = []
    with pytest.raises(ValueError, match="no more"), ahead(produce()) as items:
        taken.extend(items)
    assert taken == [1]


def test_one_who_leaves_early_breaks_the_work_off_and_drops_what_nobody_took() -> None:
    stopped = threading.Event()
    dropped: list[int] = []

    def produce() -> Iterator[int]:
        yield 1
        yield 2
        assert stopped.wait(10)
        raise ConnectionError("broken off")

    def leave() -> None:
        with Ahead(produce(), abandon=stopped.set, drop=dropped.append) as items:
            assert next(iter(items)) == 1
            raise KeyError("cannot be stored")

    with pytest.raises(KeyError):
        leave()
    assert dropped == [2]


def test_no_thread_is_left_behind() -> None:
    before = threading.active_count()
    with ahead(iter(range(3))) as items:
        assert sum(items) == 3
    assert threading.active_count() == before


def test_what_is_larger_than_the_room_gets_all_of_it() -> None:
    room = Room(10)
    assert room.take(25) == 10
    room.give(10)
    assert room.take(3) == 3


def test_who_finds_no_room_waits_until_some_is_given_back() -> None:
    room = Room(10)
    room.take(8)
    entered = threading.Event()

    def enter() -> None:
        room.take(5)
        entered.set()

    waiting = threading.Thread(target=enter, daemon=True)
    waiting.start()
    assert not entered.wait(0.05)
    room.give(8)
    assert entered.wait(10)


def test_room_may_be_asked_for_without_waiting() -> None:
    room = Room(10)
    assert room.take_now(8) == 8
    assert room.take_now(3) is None
    assert room.take_now(2) == 2


def test_one_who_does_not_wait_overtakes_nobody_who_does() -> None:
    room = Room(10)
    room.take(8)
    waiting = threading.Thread(target=room.take, args=(5,), daemon=True)
    waiting.start()
    while not room._door.locked():
        pass  # until it stands in the door
    assert room.take_now(1) is None
    room.give(8)
    waiting.join(10)
    assert room.take_now(1) == 1


def test_what_the_work_holds_is_let_go_when_it_is_broken_off() -> None:
    closed = threading.Event()

    def produce() -> Iterator[int]:
        try:
            yield 1
            yield 2
            yield 3
        finally:
            closed.set()

    left = ahead(produce())
    with left as items:
        next(iter(items))
    assert closed.is_set()


def test_who_asked_first_for_much_is_not_overtaken_by_who_wants_little() -> None:
    room = Room(10)
    room.take(6)
    order = []
    large_asks = threading.Event()

    def large() -> None:
        large_asks.set()
        room.take(10)
        order.append("large")
        room.give(10)

    def small() -> None:
        room.take(1)
        order.append("small")

    first = threading.Thread(target=large, daemon=True)
    first.start()
    assert large_asks.wait(10)
    while not room._door.locked():
        pass  # until it stands in the door
    second = threading.Thread(target=small, daemon=True)
    second.start()
    room.give(6)
    first.join(10)
    second.join(10)
    assert order == ["large", "small"]
