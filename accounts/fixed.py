"""Rows by statements that are written once: to have Django make them, and read their rows, took a fifth of the CPU of
an answer that has little else to do."""

import functools
from collections.abc import Sequence
from typing import Any, TypeVar

from django.db import connection, models

Row = TypeVar("Row", bound=models.Model)


def one(model: type[Row], rest: str, values: Sequence[Any]) -> Row | None:
    """The first row of the model's table, which the statement's `rest` calls `one`; None: there is none."""
    statement, fields, converters = _selection(model)
    with connection.cursor() as cursor:
        cursor.execute(f"{statement} {rest} LIMIT 1", values)
        found = cursor.fetchone()
    if found is None:
        return None
    row = list(found)
    for position, convert in converters:
        row[position] = convert(row[position])
    return model.from_db(connection.alias, fields, row)


@functools.cache
def _selection(model: type[models.Model]) -> tuple[str, list[str], list[tuple[int, "functools.partial[Any]"]]]:
    fields = model._meta.concrete_fields  # noqa: SLF001 -- documented by Django
    columns = ", ".join(f'one."{field.column}"' for field in fields)
    converters = [
        (position, functools.partial(convert, expression=None, connection=connection))
        for position, field in enumerate(fields)
        for convert in field.get_db_converters(connection)
    ]
    statement = f'SELECT {columns} FROM "{model._meta.db_table}" one'  # noqa: S608, SLF001 -- Django's own names
    return statement, [field.attname for field in fields], converters
