"""COPY by libpq's own functions, on a connection of psycopg2: other greenlets run while it waits.

psycopg2 refuses COPY in a process that waits as greenlets do (syncfarm.postgresql). It hands out its PGconn for such
cases (`connection.pgconn_ptr`); the functions are those of the libpq that its own module is linked to.
https://www.postgresql.org/docs/current/libpq-copy.html
"""

import ctypes
import select
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from psycopg2 import OperationalError, _psycopg, errors

_CHUNK = 256 * 1024  # octets given to libpq at once, which keeps what the socket does not take
_OK = frozenset({0, 1, 2})  # PGRES_EMPTY_QUERY, PGRES_COMMAND_OK, PGRES_TUPLES_OK
_COPY_IN = 4  # PGRES_COPY_IN
_SQLSTATE, _MESSAGE, _DETAIL = b"C", b"M", b"D"  # PG_DIAG_…

_library = ctypes.CDLL(_psycopg.__file__)


def _function(name: str, result: Any, *arguments: Any) -> Callable[..., Any]:
    found = getattr(_library, name)
    found.restype, found.argtypes = result, arguments
    return found  # type: ignore[no-any-return]  # what CDLL has are functions


_P, _I, _S = ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p
_send_query = _function("PQsendQuery", _I, _P, _S)
_put_data = _function("PQputCopyData", _I, _P, _S, _I)
_put_end = _function("PQputCopyEnd", _I, _P, _S)
_flush = _function("PQflush", _I, _P)
_consume = _function("PQconsumeInput", _I, _P)
_is_busy = _function("PQisBusy", _I, _P)
_get_result = _function("PQgetResult", _P, _P)
_status = _function("PQresultStatus", _I, _P)
_field = _function("PQresultErrorField", _S, _P, _I)
_clear = _function("PQclear", None, _P)
_set_nonblocking = _function("PQsetnonblocking", _I, _P, _I)
_is_nonblocking = _function("PQisnonblocking", _I, _P)
_error = _function("PQerrorMessage", _S, _P)


def copy(connection: Any, query: str, chunks: Iterable[bytes]) -> None:
    """COPY … FROM STDIN what `chunks` are together. `connection` is psycopg2's, in whatever transaction it is.

    Raises what psycopg2 would, and whatever `chunks` raise. Who leaves half way loses the connection.
    """
    conversation = _Conversation(connection)
    try:
        refusal = conversation.copy(query.encode(), chunks)
    except BaseException:
        connection.close()  # nothing after would be in step
        raise
    finally:
        conversation.end()
    if refusal is not None:
        raise refusal


class _Conversation:
    """One COPY on a connection whose socket does not block meanwhile."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._conn = connection.pgconn_ptr
        self._before = _is_nonblocking(self._conn)
        _set_nonblocking(self._conn, 1)
        self._poll = select.poll()
        self._socket = connection.fileno()

    def end(self) -> None:
        """Leave the connection as it was."""
        if not self._connection.closed:
            _set_nonblocking(self._conn, self._before)

    def copy(self, query: bytes, chunks: Iterable[bytes]) -> Exception | None:
        """All of it; the server's refusal, if it refuses."""
        self._check(_send_query(self._conn, query))
        self._send()
        status, refusal = self._result()
        if status == _COPY_IN:
            for piece in _pieces(chunks):
                self._put(piece)
            while not (taken := _put_end(self._conn, None)):
                self._send()
            self._check(taken > 0)
            self._send()
            _status_of_all, refusal = self._result()
        while self._more():
            pass
        return refusal

    def _put(self, piece: bytes) -> None:
        while not (taken := _put_data(self._conn, piece, len(piece))):
            self._send()
        self._check(taken > 0)
        self._send()

    def _send(self) -> None:
        """Until the socket has taken all; what the server says meanwhile is taken in, or both might wait."""
        while left := _flush(self._conn):
            self._check(left > 0)
            if self._wait(select.POLLIN | select.POLLOUT) & select.POLLIN:
                self._check(_consume(self._conn))

    def _result(self) -> tuple[int, Exception | None]:
        """The next result's status, and the refusal that it is, if it is one."""
        result = self._next()
        if not result:
            raise OperationalError("PostgreSQL did not answer COPY.")
        try:
            status = _status(result)
            return status, None if status in _OK or status == _COPY_IN else _refusal(result)
        finally:
            _clear(result)

    def _more(self) -> bool:
        result = self._next()
        _clear(result)
        return bool(result)

    def _next(self) -> int | None:
        while _is_busy(self._conn):
            self._wait(select.POLLIN)
            self._check(_consume(self._conn))
        found: int | None = _get_result(self._conn)
        return found

    def _wait(self, events: int) -> int:
        """Until the socket is ready: for what, as poll(2) says. Under gevent others run."""
        self._poll.register(self._socket, events)
        ((_socket, ready),) = self._poll.poll()
        return ready

    def _check(self, well: Any) -> None:
        if not well:
            raise OperationalError(_error(self._conn).decode(errors="replace").strip())


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same octets in pieces of about _CHUNK: a few octets are not worth a system call."""
    gathered: list[bytes] = []
    size = 0
    for chunk in chunks:
        gathered.append(chunk)
        size += len(chunk)
        if size >= _CHUNK:
            whole = b"".join(gathered)
            yield from (whole[start : start + 2 * _CHUNK] for start in range(0, size, 2 * _CHUNK))
            gathered, size = [], 0
    if gathered:
        yield b"".join(gathered)


def _refusal(result: int) -> Exception:
    """A result as psycopg2's exception, with its SQLSTATE."""
    code = _said(result, _SQLSTATE) or "XX000"
    said = "\n".join([text for field in (_MESSAGE, _DETAIL) if (text := _said(result, field))])
    try:
        kind = errors.lookup(code)
    except KeyError:
        kind = OperationalError
    error: Exception = kind(said)
    error.__setstate__({"pgcode": code, "pgerror": said})  # the only way to set what is read-only
    return error


def _said(result: int, field: bytes) -> str:
    return (_field(result, ord(field)) or b"").decode(errors="replace")
