"""Raw MIME, content addressed: SHA-256 within an account, zstd."""

import hashlib
import threading
from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

import zstandard
from psycopg2.extras import execute_values

from mail.models import Raw

_local = threading.local()  # a (de)compressor serves one thread at a time; under gevent, one greenlet


def digest(raw: bytes) -> bytes:
    """SHA-256 of the message as the server gave it."""
    return hashlib.sha256(raw).digest()


def compress(data: bytes) -> bytes:
    """zstd level 3: 17,000 mails a second a core, a third of the size."""
    if not hasattr(_local, "compressor"):
        _local.compressor = zstandard.ZstdCompressor(level=3)
    compressed: bytes = _local.compressor.compress(data)
    return compressed


def decompress(data: bytes | memoryview) -> bytes:
    """The bytes that `compress` took."""
    if not hasattr(_local, "decompressor"):
        _local.decompressor = zstandard.ZstdDecompressor()
    plain: bytes = _local.decompressor.decompress(bytes(data))
    return plain


def put_many(cursor: Any, account_id: UUID, raws: Iterable[tuple[bytes, bytes]]) -> None:
    """Store (digest, compressed message) pairs; those already there stay. `cursor` is psycopg2's own.

    Compressed by the caller, so that no row is locked meanwhile.
    """
    execute_values(
        cursor,
        "INSERT INTO mail_raw (account_id, digest, data) VALUES %s ON CONFLICT DO NOTHING",
        [(account_id, key, data) for key, data in raws],
        page_size=200,
    )


def get_many(account_id: UUID, digests: Iterable[bytes]) -> dict[bytes, bytes]:
    """Raw messages by digest; those that are not stored are absent."""
    rows = Raw.objects.filter(account_id=account_id, digest__in=list(digests)).values_list("digest", "data")
    return {bytes(key): decompress(data) for key, data in rows}


def missing(account_id: UUID, digests: Collection[bytes]) -> set[bytes]:
    """Those of the digests that are not stored, though messages say so: lost, or dropped by a repair."""
    if not digests:
        return set()
    stored = Raw.objects.filter(account_id=account_id, digest__in=list(digests)).values_list("digest", flat=True)
    return set(digests) - {bytes(digest) for digest in stored}


def drop(account_id: UUID, digests: Collection[bytes]) -> None:
    """Forget raw messages that were found damaged; the next copy of their folder stores them anew."""
    Raw.objects.filter(account_id=account_id, digest__in=list(digests)).delete()


def get(account_id: UUID, key: bytes) -> bytes | None:
    """One raw message, or None."""
    return get_many(account_id, [bytes(key)]).get(bytes(key))
