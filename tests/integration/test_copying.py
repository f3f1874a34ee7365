"""COPY over libpq: what arrives, what is refused, and that nobody waits for it."""

import os
import subprocess
import sys
from collections.abc import Iterator

import psycopg2
import pytest
from django.db import connection, transaction

from mail import binary
from mail.copying import copy_binary

pytestmark = pytest.mark.django_db(transaction=True)

_begin = binary.Beginning(2, ("i",))


def row(number: int, words: str) -> bytes:
    return _begin(number) + binary.text(words)


@pytest.fixture
def table() -> Iterator[str]:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE copied (number int PRIMARY KEY, words varchar(100000))")
    yield "copied"
    connection.close()  # a test may have broken it
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE copied")


def test_more_than_a_socket_takes_at_once_arrives(table: str) -> None:
    rows = [(number, f"{number} " * 10_000) for number in range(300)]

    with transaction.atomic(), connection.cursor() as cursor:
        copy_binary(cursor, table, ("number", "words"), [row(*each) for each in rows])

    assert stored(table) == rows


def test_no_rows_are_fine(table: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        copy_binary(cursor, table, ("number", "words"), [])

    assert stored(table) == []


@pytest.mark.parametrize(
    ("octets", "kind", "code"),
    [
        (row(1, "there already"), psycopg2.errors.UniqueViolation, "23505"),
        (_begin(2) + binary.octets(b"\xff"), psycopg2.errors.CharacterNotInRepertoire, "22021"),
        (_begin(2), psycopg2.errors.BadCopyFileFormat, "22P04"),
        (row(2, "x" * 100_001), psycopg2.errors.StringDataRightTruncation, "22001"),
    ],
    ids=["a key twice", "no UTF-8", "a row cut short", "too long a text"],
)
def test_a_refusal_is_psycopg2s_and_the_transaction_goes_on_from_its_savepoint(
    table: str, octets: bytes, kind: type[psycopg2.Error], code: str
) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        copy_binary(cursor, table, ("number", "words"), [row(1, "first")])
        cursor.execute("SAVEPOINT here")
        with pytest.raises(kind) as refused:
            copy_binary(cursor, table, ("number", "words"), [octets])
        cursor.execute("ROLLBACK TO SAVEPOINT here")
        copy_binary(cursor, table, ("number", "words"), [row(2, "second")])

    assert refused.value.pgcode == code
    assert stored(table) == [(1, "first"), (2, "second")]


def test_a_table_that_is_not_there_is_named(table: str) -> None:
    with connection.cursor() as cursor, pytest.raises(psycopg2.errors.UndefinedTable, match="nowhere"):
        copy_binary(cursor, "nowhere", ("number",), [])

    assert stored(table) == []


def test_whoever_fails_half_way_has_written_nothing_and_the_connection_is_given_up(table: str) -> None:
    def rows() -> Iterator[bytes]:
        yield row(1, "x")
        raise KeyError("the second row")

    with connection.cursor() as cursor:
        driver = cursor.connection
        with pytest.raises(KeyError):
            copy_binary(cursor, table, ("number", "words"), rows())

    assert driver.closed
    connection.close()
    assert stored(table) == []


def test_a_server_that_ends_the_connection_is_an_operational_error(table: str) -> None:
    other = connection.copy()

    def rows() -> Iterator[bytes]:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [driver.info.backend_pid])
        yield row(1, "x")

    with connection.cursor() as cursor:
        driver = cursor.connection
        with pytest.raises(psycopg2.OperationalError):
            copy_binary(cursor, table, ("number", "words"), rows())
    other.close()

    assert driver.closed


_GREENLETS = """
from gevent import monkey; monkey.patch_all()
import os; os.environ["SYNCFARM_DATABASE_CONNECTIONS"] = "4"
import django; django.setup()
import gevent
from django.db import connection, transaction
from mail.binary import Beginning, text
from mail.copying import copy_binary

begin = Beginning(2, ("i",))

def hold():
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("LOCK TABLE copied IN ACCESS EXCLUSIVE MODE")
        locked.set()
        gevent.sleep(1)
    connection.close()

def copy():
    locked.wait()
    with transaction.atomic(), connection.cursor() as cursor:
        copy_binary(cursor, "copied", ("number", "words"), [begin(n) + text("x" * 1000) for n in range(2000)])
    connection.close()

locked = gevent.event.Event()
gevent.joinall([gevent.spawn(copy), gevent.spawn(hold)], raise_error=True, timeout=20)
with connection.cursor() as cursor:
    cursor.execute("SELECT count(*) FROM copied")
    print(cursor.fetchone()[0])
"""


def test_other_greenlets_run_while_a_copy_waits(table: str) -> None:
    """The one that it waits for is one of them: it would wait for ever."""
    settings = connection.settings_dict
    url = f"postgresql://{settings['USER']}:{settings['PASSWORD']}@{settings['HOST']}:{settings['PORT']}/{settings['NAME']}"

    done = subprocess.run(
        [sys.executable, "-c", _GREENLETS],
        check=False,
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "syncfarm.settings"},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.stdout.strip() == "2000", done.stderr


def stored(table: str) -> list[tuple[int, str | None]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT number, words FROM {table} ORDER BY number")
        return list(cursor.fetchall())
