"""Packs outside of PostgreSQL: one object each, written at once, read by ranges."""

import functools
from collections.abc import Iterator
from datetime import datetime
from io import BufferedIOBase, RawIOBase
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID

from django.utils.module_loading import import_string

File = RawIOBase | BufferedIOBase


class ObjectStore(Protocol):
    """Where objects are kept. Every call is I/O, on a network or a disk: none belongs into a transaction.

    All raise StoreUnavailable.
    """

    def write(self, key: str, content: File) -> None:
        """Make an object of a file; it is durable afterwards."""

    def read(self, key: str, at: int, size: int) -> bytes:
        """Octets of an object, fewer where it ends before. Raises LookupError: it is not there, or not so far."""

    def remove(self, key: str) -> None:
        """Delete an object, if there is one."""

    def keys(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """Every key that begins so, and when its object was written."""


def key(account_id: UUID, pack_id: UUID) -> str:
    """The key of a pack's object."""
    return f"{account_id.hex}/{pack_id.hex}"


@functools.cache
def store_at(address: str) -> ObjectStore:
    """The store with this address, as SYNCFARM_RAW_STORE and Pack.store have it (syncfarm.env checked it)."""
    parts = urlsplit(address)
    if parts.scheme == "file":
        disk = import_string("mail.raw.disk.Disk")
        found: ObjectStore = disk(address, Path(unquote(parts.path)))
        return found
    # Its libraries take 0.4 s to import and 30 MB of memory, and are installed where they are wanted.
    bucket = import_string("mail.raw.s3.Bucket")
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    found = bucket(address, parts.netloc, parts.path.strip("/"), **options)
    return found  # noqa: RET504 -- its type is known by now
