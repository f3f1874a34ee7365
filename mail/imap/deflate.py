"""The two directions of a connection that is compressed (RFC 4978), over zlib."""

import io
import zlib
from typing import TYPE_CHECKING

from mail.imap.reader import ProtocolBroken

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer, WriteableBuffer


class Inflated(io.RawIOBase):
    """What a raw DEFLATE stream holds, at most so much of it at once as is asked for."""

    def __init__(self, source: io.BufferedReader) -> None:
        super().__init__()
        self._source = source
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        self._deflated = b""

    def readable(self) -> bool:
        """As io asks."""
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """As io asks. Raises ProtocolBroken."""
        view = memoryview(buffer).cast("B")
        while not (octets := self._inflate(len(view))):
            self._deflated = b"" if self._inflater.eof else self._source.read1()
            if not self._deflated:
                return 0
        view[: len(octets)] = octets
        return len(octets)

    def close(self) -> None:
        """As io asks."""
        self._source.close()
        super().close()

    def _inflate(self, most: int) -> bytes:
        """What is known by now; some may be left in the inflater even if no input is."""
        try:
            octets = self._inflater.decompress(self._deflated, most)
        except zlib.error as error:
            raise ProtocolBroken("what cannot be inflated") from error
        self._deflated = self._inflater.unconsumed_tail
        return octets


class Deflater:
    """What is sent, as a raw DEFLATE stream. Commands are short, so the window is small: 4 kB of memory, not 256."""

    def __init__(self) -> None:
        self._deflater = zlib.compressobj(1, zlib.DEFLATED, -9, 1)

    def __call__(self, octets: "ReadableBuffer") -> bytes:
        """All of it, so that the other side can read it now."""
        return self._deflater.compress(octets) + self._deflater.flush(zlib.Z_SYNC_FLUSH)
