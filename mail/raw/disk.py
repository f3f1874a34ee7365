"""Objects as files, in a directory for each account."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from django.core.files.base import File
from django.core.files.storage import FileSystemStorage

from mail.models import Pack
from mail.raw import objects
from mail.types import StoreUnavailable

_MARKER = "syncfarm-raw"  # in the directory once it has been used: without it, its disk is not mounted


class Disk(FileSystemStorage):
    """A directory as a mail.raw.objects.ObjectStore."""

    def __init__(self, address: str, directory: Path) -> None:
        super().__init__(location=directory, file_permissions_mode=0o600, directory_permissions_mode=0o700)
        self._address = address
        self._directory = directory

    def write(self, key: str, content: objects.File) -> None:
        """See ObjectStore."""
        path = self._directory / key
        try:
            self._mark()
            self.save(key, File(content))  # type: ignore[arg-type]  # its stubs know only what open() gives
            for written in (path, path.parent):
                _sync(written)
        except OSError as error:
            raise StoreUnavailable(self._address, error) from error

    def read(self, key: str, at: int, size: int) -> bytes:
        """See ObjectStore."""
        try:
            with (self._directory / key).open("rb") as file:
                file.seek(at)
                return file.read(size)
        except FileNotFoundError:
            if not self._is_marked():
                raise StoreUnavailable(self._address, "it is empty; is its disk mounted?") from None
            raise LookupError("the object is gone") from None
        except OSError as error:
            raise StoreUnavailable(self._address, error) from error

    def remove(self, key: str) -> None:
        """See ObjectStore."""
        try:
            self.delete(key)
        except OSError as error:
            raise StoreUnavailable(self._address, error) from error

    def keys(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """See ObjectStore."""
        for path in self._directory.glob(f"{prefix}*/*"):
            yield f"{path.parent.name}/{path.name}", datetime.fromtimestamp(path.stat().st_mtime, UTC)

    def _is_marked(self) -> bool:
        return (self._directory / _MARKER).exists()

    def _mark(self) -> None:
        """A directory that has packs by the database, and no marker, is an empty mount point: keep out of it."""
        if self._is_marked():
            return
        if Pack.objects.filter(store=self._address).exists():
            raise StoreUnavailable(self._address, "it is empty; is its disk mounted?")
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        (self._directory / _MARKER).touch(mode=0o600)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
