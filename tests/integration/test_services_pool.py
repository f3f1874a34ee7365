"""The bounded pool: greenlets share few database connections, and none is lost."""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from syncfarm.postgresql.pool import Pool

ROOT = Path(__file__).parents[2]
BOUND = 5
GREENLETS = """
from gevent import monkey; monkey.patch_all()
import time
import django, gevent
django.setup()
from django.db import connection

def work(_):
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(0.05)")
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pool test'")
        seen = cursor.fetchone()[0]
    connection.close()
    return seen

started = time.monotonic()
jobs = [gevent.spawn(work, number) for number in range(60)]
gevent.joinall(jobs, raise_error=True)
print(max(job.value for job in jobs), time.monotonic() - started)
"""


@pytest.fixture
def pool() -> Pool:
    return Pool(1)


def connect() -> Any:
    return psycopg2.connect(os.environ["DATABASE_URL"])


def test_sixty_greenlets_never_hold_more_connections_than_the_bound() -> None:
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "syncfarm.settings",
        "SYNCFARM_DATABASE_CONNECTIONS": str(BOUND),
        "DATABASE_URL": os.environ["DATABASE_URL"] + "?application_name=pool%20test",
    }
    result = subprocess.run(
        [sys.executable, "-c", GREENLETS], cwd=ROOT, env=env, capture_output=True, text=True, check=True, timeout=60
    )
    most, seconds = result.stdout.split()
    assert int(most) == BOUND  # not one more, and not one after the other
    assert float(seconds) < 60 * 0.05  # queries yield to each other


def test_statements_of_a_pool_are_not_spread_over_processes() -> None:
    told = """
import django
django.setup()
from django.db import connection
with connection.cursor() as cursor:
    for name in ("max_parallel_workers_per_gather", "jit"):
        cursor.execute(f"SHOW {name}")
        print(*cursor.fetchone())
"""
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "syncfarm.settings", "SYNCFARM_DATABASE_CONNECTIONS": "2"}
    result = subprocess.run([sys.executable, "-c", told], cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["0", "off"]


def test_a_connection_given_back_is_handed_out_again(pool: Pool) -> None:
    first = pool.take(connect)
    pool.give(first)
    assert pool.take(connect) is first


def test_an_open_transaction_is_rolled_back(pool: Pool) -> None:
    connection = pool.take(connect)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE unsaved (id int)")
    pool.give(connection)
    with pool.take(connect).cursor() as cursor, pytest.raises(psycopg2.errors.UndefinedTable):
        cursor.execute("SELECT * FROM unsaved")


def test_a_connection_that_the_server_closed_is_replaced(pool: Pool) -> None:
    first = pool.take(connect)
    pid = first.get_backend_pid()
    pool.give(first)
    with psycopg2.connect(os.environ["DATABASE_URL"]) as other, other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    other.close()
    with pool.take(connect).cursor() as cursor:
        cursor.execute("SELECT 1")
        assert cursor.fetchone() == (1,)


def test_a_failed_connect_gives_its_place_back(pool: Pool) -> None:
    def fail() -> Any:
        raise psycopg2.OperationalError("no server")

    with pytest.raises(psycopg2.OperationalError, match="no server"):
        pool.take(fail)
    assert pool.take(connect, wait=1)


def test_who_waits_too_long_gets_an_error(pool: Pool) -> None:
    held = pool.take(connect)
    with pytest.raises(psycopg2.OperationalError, match="No database connection became free"):
        pool.take(connect, wait=0.05)
    pool.give(held)


def test_a_connection_that_was_forgotten_frees_its_place(pool: Pool) -> None:
    thread = threading.Thread(target=pool.take, args=(connect,))
    thread.start()
    thread.join()
    assert pool.take(connect, wait=5)


def test_giving_back_twice_frees_one_place(pool: Pool) -> None:
    connection = pool.take(connect)
    pool.give(connection)
    pool.give(connection)
    held = pool.take(connect)
    with pytest.raises(psycopg2.OperationalError):
        pool.take(connect, wait=0.05)
    pool.give(held)
