"""Values in PostgreSQL's binary form, as COPY … BINARY takes them: made by struct, taken over without being parsed.

A row begins with the number of its columns, a column with its octets. Columns of one width come first in a row, so that
one call makes them all. https://www.postgresql.org/docs/current/sql-copy.html
"""

import struct
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_NULL = b"\xff\xff\xff\xff"
_TEXT, _UUID = 25, 2950  # types' numbers (pg_type)
_length = struct.Struct(">i").pack
_number = struct.Struct(">iq").pack
_empty_array = struct.Struct(">iiii").pack
_array = struct.Struct(">iiiiii").pack


class Beginning:
    """A row's beginning: columns that have one width each and are never NULL.

    `columns`: how many the whole row has; `formats`: struct's, of these: "16s" for a UUID's octets, "q" for a bigint or
    a time, "i" for an int, "?" for a boolean.
    """

    def __init__(self, columns: int, formats: Sequence[str]) -> None:
        self._struct = struct.Struct(">h" + "".join("i" + each for each in formats))
        sizes = [struct.calcsize(">" + each) for each in formats]
        self._arguments: list[Any] = [columns, *(part for size in sizes for part in (size, None))]

    def __call__(self, *values: Any) -> bytes:
        """The columns' octets. Raises ValueError if a value does not fit."""
        arguments = self._arguments.copy()
        arguments[2::2] = values
        try:
            return self._struct.pack(*arguments)
        except struct.error as error:
            raise ValueError(f"not to be stored: {error}") from error


def moment(value: datetime) -> int:
    """A time as timestamptz has it: microseconds since 2000."""
    since = value - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def number(value: int | None) -> bytes:
    """A column that is a bigint or a moment, or NULL."""
    return _NULL if value is None else _number(8, value)


def octets(value: bytes) -> bytes:
    """A column that is bytea."""
    return _length(len(value)) + value


def text(value: str | None) -> bytes:
    """A column that is text, or NULL. Raises ValueError if it is no Unicode."""
    if value is None:
        return _NULL
    encoded = value.encode()
    return _length(len(encoded)) + encoded


def jsonb(value: str) -> bytes:
    """A column that is jsonb, of JSON's text."""
    encoded = value.encode()
    return _length(len(encoded) + 1) + b"\1" + encoded


def texts(values: Sequence[str]) -> bytes:
    """A column that is text[]."""
    return _of_one_dimension(_TEXT, [text(value) for value in values])


def uuids(values: Sequence[bytes]) -> bytes:
    """A column that is uuid[], of UUIDs' octets."""
    return _of_one_dimension(_UUID, [octets(value) for value in values])


def _of_one_dimension(kind: int, elements: list[bytes]) -> bytes:
    if not elements:
        return _empty_array(12, 0, 0, kind)
    content = b"".join(elements)
    return _array(20 + len(content), 1, 0, kind, len(elements), 1) + content
