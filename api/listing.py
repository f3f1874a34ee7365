"""The rows of a page: by a short walk in the list's order where many rows fit, else out of an index.

PostgreSQL would choose by what it knows of all accounts together, and a wrong choice costs seconds: a walk through a
million messages for the three that fit, or a million entries of an index for a page of fifty.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Exists, Q, QuerySet


class Place(NamedTuple):
    """Where a row stands in a listing."""

    at: datetime
    id: UUID


class Probe(Exists):
    """An EXISTS that is asked for one row after the other; PostgreSQL would like to look for all of them first."""

    template = "EXISTS(%(subquery)s OFFSET 0)"


class Steps(NamedTuple):
    """How many rows a walk looks at: `first` in any case, and `most` of them where those that fit are so many that the
    page will be full by then."""

    first: int
    most: int


NO_STEPS = Steps(0, 0)


@dataclass(frozen=True, slots=True)
class Listing:
    """What is paged through, newest first by the columns `at` and `id`.

    `rows`: all that the filters leave, narrowed by an index. `walk`: rows of the same table that include them, and that
    an index has in the list's order; `fits`: which of these the filters leave; `steps`: how many are looked at before
    `rows` is asked. Without a walk, `rows` has its order by an index itself. `newer`: a few more, which come before all
    of these.
    """

    rows: QuerySet[Any, Any]
    at: str
    id: str = "id"
    walk: QuerySet[Any, Any] | None = None
    fits: Q = field(default_factory=Q)
    steps: Steps = NO_STEPS
    newer: QuerySet[Any, Any] | None = None

    def newest(self, count: int, after: Place | None) -> list[Place]:
        """At most `count` of those that come after a place, in one to six queries."""
        window = self._window(after)
        found: list[Place] = []
        with suppress(EmptyResultSet):  # Django knows of a condition that nothing fulfils
            if self.newer is not None:
                found += _sorted(self._of(self.newer, window), count)
        with suppress(EmptyResultSet):
            if len(found) < count:
                found += self._older(count - len(found), window)
        return found

    def _window(self, after: Place | None) -> Q:
        if after is None:
            return Q()
        before = Q(**{f"{self.at}__lt": after.at}) | Q(**{f"{self.id}__lt": after.id})
        return before & Q(**{f"{self.at}__lte": after.at})  # apart, so that the index sees a range

    def _older(self, count: int, window: Q) -> list[Place]:
        rows, order = self._of(self.rows, window), (f"-{self.at}", f"-{self.id}")
        if self.walk is None:
            return [Place(*row) for row in rows.order_by(*order)[:count]]
        walk = self.walk.filter(window).order_by(*order)
        found: list[Place] = []
        for start, end in ((0, self.steps.first), (self.steps.first, self.steps.most)):
            found += self._among(walk[start:end], count - len(found))
            if len(found) == count or not walk[end : end + 1].exists():
                return found
            if len(found) * self.steps.most <= count * end:
                break
        return _sorted(rows, count)

    def _of(self, rows: QuerySet[Any, Any], window: Q) -> QuerySet[Any, Any]:
        return rows.filter(window).order_by().values_list(self.at, self.id)

    def _among(self, walk: QuerySet[Any, Any], count: int) -> list[Place]:
        """Those that fit, in the order of the walk. Its LIMIT keeps PostgreSQL from looking elsewhere."""
        table = connection.ops.quote_name(walk.model._meta.db_table)  # noqa: SLF001 -- documented by Django
        wanted = walk.model._default_manager.filter(self.fits).values_list(self.at, self.id)  # noqa: SLF001
        outer, values = wanted.order_by(f"-{self.at}", f"-{self.id}")[:count].query.sql_with_params()
        inner, bounds = walk.query.sql_with_params()
        return _fetched(outer.replace(f"FROM {table}", f"FROM ({inner}) {table}", 1), (*bounds, *values))


@dataclass(frozen=True, slots=True)
class Newest:
    """All rows of an account that readers see, newest first, by a statement that is written once: Django takes five
    times as long to make it as PostgreSQL to answer it. `shown`: a condition in SQL."""

    table: str
    at: str
    shown: str
    account_id: UUID

    def newest(self, count: int, after: Place | None) -> list[Place]:
        """At most `count` of those that come after a place."""
        window, values = (f"AND ({self.at}, id) < (%s, %s)", after) if after else ("", ())
        return _fetched(
            f"SELECT {self.at}, id FROM {self.table} WHERE account_id = %s AND {self.shown} {window} "  # noqa: S608 -- the caller's words
            f"ORDER BY {self.at} DESC, id DESC LIMIT %s",
            (self.account_id, *values, count),
        )


def _sorted(rows: QuerySet[Any, Any], count: int) -> list[Place]:
    """All of them are looked up before they are sorted: an index in their order would be walked to its end."""
    inner, values = rows.query.sql_with_params()
    return _fetched(
        f"WITH found (at, id) AS MATERIALIZED ({inner}) SELECT at, id FROM found ORDER BY at DESC, id DESC LIMIT %s",  # noqa: S608 -- Django's own
        (*values, count),
    )


def _fetched(statement: str, values: tuple[Any, ...]) -> list[Place]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [Place(*row) for row in cursor.fetchall()]
