"""Values in PostgreSQL's binary form: it takes each for what it is."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID, uuid4

import psycopg2
import pytest
from django.db import connection, transaction

from mail import binary
from mail.copying import copy_binary

pytestmark = pytest.mark.django_db(transaction=True)

SIGNS = 'tab\t, line\n, backslash \\, quote ", comma , brace }, \N{SNOWMAN}, \N{GRINNING FACE}'
MOMENTS = [
    datetime(1, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(2000, 1, 1, tzinfo=UTC),
    datetime(2026, 2, 28, 12, 0, 0, 1, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]


def stored(kind: str, *values: bytes) -> list[object]:
    """The values, as PostgreSQL reads them back."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMPORARY TABLE taken (number int, value {kind}) ON COMMIT DROP")
        begin = binary.Beginning(2, ("i",))
        rows = [begin(number) + value for number, value in enumerate(values)]
        copy_binary(cursor, "taken", ("number", "value"), rows)
        cursor.execute("SELECT value FROM taken ORDER BY number")
        return [value for (value,) in cursor.fetchall()]


def test_columns_of_one_width_arrive() -> None:
    one, begin = uuid4(), binary.Beginning(5, ("16s", "q", "i", "?", "q"))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE taken (a uuid, b bigint, c int, d bool, e timestamptz) ON COMMIT DROP")
        rows = [begin(one.bytes, -(2**63), 2**31 - 1, True, binary.moment(MOMENTS[3]))]
        copy_binary(cursor, "taken", ("a", "b", "c", "d", "e"), rows)
        cursor.execute("SELECT * FROM taken")
        assert cursor.fetchall() == [(one, -(2**63), 2**31 - 1, True, MOMENTS[3])]


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_moment_arrives_to_the_microsecond(moment: datetime) -> None:
    assert stored("timestamptz", binary.number(binary.moment(moment)), binary.number(None)) == [moment, None]


def test_texts_arrive_as_they_are() -> None:
    assert stored("text", binary.text(SIGNS), binary.text(""), binary.text(None)) == [SIGNS, "", None]
    assert stored("text[]", binary.texts([SIGNS, ""]), binary.texts([])) == [[SIGNS, ""], []]


def test_octets_and_identifiers_arrive() -> None:
    ids = [UUID(int=0), uuid4()]
    assert [bytes(value) for value in stored("bytea", binary.octets(b"\0\xff"), binary.octets(b""))] == [b"\0\xff", b""]  # type: ignore[call-overload]  # what psycopg2 gives for bytea is a memoryview
    assert stored("uuid[]", binary.uuids([one.bytes for one in ids]), binary.uuids([])) == [ids, []]


def test_json_arrives() -> None:
    assert stored("jsonb", binary.jsonb('[{"name": "\N{SNOWMAN}\\u2603"}]')) == ['[{"name": "\N{SNOWMAN}\N{SNOWMAN}"}]']


def test_a_number_that_does_not_fit_is_no_row() -> None:
    with pytest.raises(ValueError, match="not to be stored"):
        binary.Beginning(1, ("q",))(2**63)


def test_a_text_that_no_database_takes_is_refused_as_such() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        binary.text("\ud800")
    with pytest.raises(psycopg2.DataError):
        stored("text", binary.text("NUL \0"))
