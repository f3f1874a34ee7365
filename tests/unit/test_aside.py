"""Work beside all others: under gevent and without it."""

import os
import subprocess
import sys
import threading
import time

from mail.mirror.aside import aside
from mail.mirror.breath import Breath

_GREENLETS = """
from gevent import monkey; monkey.patch_all()
import time
import django; django.setup()
import gevent
from gevent.monkey import get_original
from mail.mirror.aside import aside
from mail.mirror.breath import Breath

blocking_sleep = get_original("time", "sleep")

# Work that blocks its thread stops nobody.
ticks = []
ticking = gevent.spawn(lambda: [(ticks.append(number), gevent.sleep(0.01)) for number in range(20)])
assert aside(blocking_sleep, 0.3).result() is None
assert len(ticks) > 10, ticks

# A greenlet that is always busy lets others run who wait for a socket.
one, other = gevent.socket.socketpair()
def echo():
    while octets := other.recv(1):
        other.sendall(octets)
gevent.spawn(echo)
breath, heard = Breath(), []
def talk():
    for _ in range(50):
        one.sendall(b"x")
        heard.append(one.recv(1))
gevent.spawn(talk)
until = time.perf_counter() + 5
while len(heard) < 50 and time.perf_counter() < until:
    sum(range(2000))
    breath.take()
assert len(heard) == 50, len(heard)
print("well")
"""


def test_under_gevent_nobody_is_stopped() -> None:
    env = {**os.environ, "DJANGO_SETTINGS_MODULE": "syncfarm.settings"}
    done = subprocess.run(
        [sys.executable, "-c", _GREENLETS], check=False, env=env, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "well", done.stderr


def test_it_runs_in_a_thread_of_its_own() -> None:
    assert aside(threading.get_ident).result() != threading.get_ident()


def test_threads_take_no_breath() -> None:
    breath = Breath()
    time.sleep(0.001)
    started = time.perf_counter()
    for _ in range(1000):
        breath.take()
    assert time.perf_counter() - started < 0.5
