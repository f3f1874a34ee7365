"""The chaos driver's proxy does what it says, and its corruption is what a client can notice."""

import contextlib
import random
import re
import socket
import threading
import time

import pytest

from bench.chaos.faults import Corruption, Fault, draw
from bench.chaos.proxy import Proxy
from bench.listener import Listener

ANSWERS = b"* OK hello\r\n* 1 FETCH (UID 7 BODY[] {12}\r\nSubject: {5}\r\n) FLAGS ())\r\nF1 OK done\r\n"
MAIL = b"Subject: {5}"


def corrupted(kind: str, after: int, pieces: list[bytes]) -> bytes:
    corruption = Corruption(Fault(kind, True, after), random.Random(after))
    passed = b"".join(corruption.feed(piece, harmless=False) for piece in pieces)
    return passed + corruption.rest()


@pytest.mark.parametrize("after", range(0, 60, 3))
def test_one_octet_of_one_line_becomes_nul_and_never_one_of_a_mail(after: int) -> None:
    spoilt = corrupted("NUL", after, [ANSWERS])
    changed = [at for at, (was, now) in enumerate(zip(ANSWERS, spoilt, strict=True)) if was != now]
    assert len(changed) == 1
    assert spoilt[changed[0]] == 0
    assert MAIL in spoilt


def test_a_literals_length_is_told_wrong_and_nothing_else_changes() -> None:
    spoilt = corrupted("wrong length", 0, [ANSWERS])
    assert spoilt != ANSWERS
    assert re.sub(rb"BODY\[\] \{\d+\}", b"BODY[] {12}", spoilt) == ANSWERS


@pytest.mark.parametrize("kind", ["NUL", "wrong length"])
def test_the_damage_is_the_same_wherever_the_stream_is_split(kind: str) -> None:
    whole = corrupted(kind, 15, [ANSWERS])
    assert all(
        corrupted(kind, 15, [ANSWERS[start : start + size] for start in range(0, len(ANSWERS), size)]) == whole
        for size in range(1, 40)
    )


def test_one_octet_of_a_mail_becomes_another_where_that_is_asked_for() -> None:
    spoilt = corrupted("octet", 0, [ANSWERS])
    assert sum(was != now for was, now in zip(ANSWERS, spoilt, strict=True)) == 1
    assert ANSWERS.replace(MAIL, b"") == spoilt[: ANSWERS.index(MAIL)] + spoilt[ANSWERS.index(MAIL) + len(MAIL) :]


def test_nothing_is_damaged_while_it_is_to_be_harmless() -> None:
    corruption = Corruption(Fault("NUL", True, 0), random.Random(1))
    assert corruption.feed(ANSWERS, harmless=True) == ANSWERS
    assert not corruption.done


def test_every_kind_is_drawn_and_most_connections_are_left_alone() -> None:
    chance = random.Random(1)
    drawn = [draw(chance, {"cut": 0.1, "stall": 0.1}) for _ in range(1000)]
    assert {fault.kind for fault in drawn if fault} == {"cut", "stall"}
    assert 100 < sum(fault is not None for fault in drawn) < 300


class Talker(Listener):
    """Says so many octets to everybody and waits for the client's end."""

    def __init__(self, total: int) -> None:
        super().__init__()
        self._total = total

    def attend(self, connection: socket.socket) -> None:
        threading.Thread(target=self._say, args=(connection,), daemon=True).start()

    def _say(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.sendall(b"x" * self._total)
            connection.recv(1)


def heard(port: int, total: int) -> int | type[OSError]:
    """How many octets come before the end, at most `total`; the error where the connection is reset."""
    count = 0
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        try:
            while count < total and (data := connection.recv(65_536)):
                count += len(data)
        except ConnectionResetError as error:
            return type(error)
    return count


TOTAL = 200_000


def test_a_cut_ends_the_connection_in_the_middle_and_others_pass() -> None:
    with Talker(TOTAL) as talker, Proxy(talker.port, "seed", {"cut": 0.6}) as proxy:
        counts = [heard(proxy.port, TOTAL) for _ in range(30)]
        assert TOTAL in counts
        assert sum(count != TOTAL for count in counts) == proxy.struck["cut"] > 0
        assert proxy.sessions == 30


def test_a_reset_is_one_to_the_client() -> None:
    with Talker(TOTAL) as talker, Proxy(talker.port, "seed", {"reset": 0.9}) as proxy:
        assert ConnectionResetError in [heard(proxy.port, TOTAL) for _ in range(20)]


def test_a_stall_passes_everything_on_and_calm_ends_it_at_once() -> None:
    with Talker(TOTAL) as talker, Proxy(talker.port, "3", {"stall": 1.0}) as proxy:
        waiting = [threading.Thread(target=heard, args=(proxy.port, TOTAL)) for _ in range(20)]
        for thread in waiting:
            thread.start()
        deadline = time.monotonic() + 30
        while not proxy.struck["stall"] and time.monotonic() < deadline:
            time.sleep(0.01)
        proxy.calm()
        for thread in waiting:
            thread.join(timeout=30)
        assert not any(thread.is_alive() for thread in waiting)
        assert heard(proxy.port, TOTAL) == TOTAL
