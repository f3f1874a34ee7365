"""Django's PostgreSQL backend, with a bounded pool of connections for processes of many greenlets or threads.

A gevent worker runs 100 tasks at once and without a bound holds 97 database connections. With
SYNCFARM_DATABASE_CONNECTIONS=20 who needs one waits until another was given back, which happens when the code calls
django.db.connection.close(), as it does before network I/O and at the end of every task and request.
"""

import sys
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.backends.postgresql import base

from syncfarm.postgresql.pool import Pool

# To start parallel workers, or a compiler, for a page of a list takes longer than to find it.
_SHORT = "SET max_parallel_workers_per_gather = 0; SET jit = off"
_pool: Pool | None = None
if settings.SYNCFARM_DATABASE_CONNECTIONS:
    _pool = Pool(settings.SYNCFARM_DATABASE_CONNECTIONS)

if "gevent.monkey" in sys.modules and sys.modules["gevent.monkey"].is_module_patched("socket"):
    from psycogreen.gevent import patch_psycopg

    patch_psycopg()  # libpq knows nothing of gevent: without this one query stops all greenlets


class DatabaseWrapper(base.DatabaseWrapper):
    """A database as one thread or greenlet sees it. Only the default one is pooled; tools that connect to others
    (creating a test database) do it once."""

    def get_connection_params(self) -> dict[str, Any]:
        """As Django has it; without a database the cure is named."""
        if self.settings_dict["NAME"] == "":
            raise ImproperlyConfigured("There is no database: start the farm with `make run`, or set DATABASE_URL.")
        params: dict[str, Any] = super().get_connection_params()
        return params

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """A connection, pooled where a bound is set."""
        if _pool is None or self.alias != "default":
            return super().get_new_connection(conn_params)
        return _pool.take(lambda: self._opened(conn_params))

    def _opened(self, conn_params: dict[str, Any]) -> Any:
        """A connection for many short statements. Not by `options`, which a PgBouncer may refuse."""
        opened = super().get_new_connection(conn_params)
        with opened, opened.cursor() as cursor:
            cursor.execute(_SHORT)
        return opened

    def _close(self) -> None:
        if _pool is None or self.connection is None:
            super()._close()  # type: ignore[misc] # private to Django, untyped in its stubs
        else:
            _pool.give(self.connection)
