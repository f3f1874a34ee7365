"""Frames of a pack that are too many for memory: in a temporary file, one after the other."""

import io
from collections.abc import Iterable, Iterator

from mail.spool import Spool, let_go
from mail.types import Octets


class SpooledFrames:
    """What Packed.frames is else a list of: (octets of contents before it, compressed)."""

    def __init__(self, frames: Iterable[tuple[int, bytes]]) -> None:
        """Raises NoRoom."""
        self._places: list[tuple[int, int, int]] = []
        with Spool() as spool:
            for start, data in frames:
                self._places.append((start, spool.size, len(data)))
                spool.write(data)
            self.octets = spool.octets()

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        for start, at, size in self._places:
            yield start, self.octets[at : at + size]
            let_go(self.octets)


class Reader(io.RawIOBase):
    """Octets as a file to be read; what was read does not stay in memory."""

    def __init__(self, octets: Octets) -> None:
        super().__init__()
        self._octets = octets
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As files do."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._octets)}[whence]
        return self._at

    def tell(self) -> int:
        """As files do."""
        return self._at

    def read(self, size: int = -1, /) -> bytes:
        """As files do."""
        end = len(self._octets) if size < 0 else self._at + size
        found = self._octets[self._at : end]
        self._at += len(found)
        let_go(self._octets)
        return found
