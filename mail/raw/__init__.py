"""Raw mail: packed by the batch, compressed in frames, read by ranges, checked by their hash.

A pack's frames are rows in PostgreSQL, or together one object on a disk or in a bucket.
"""

from mail.raw.orphans import remove_orphans
from mail.raw.packing import Content, Packed, columns, compress, decompress, pack
from mail.raw.reading import is_header, raws, raws_of, stored
from mail.raw.repacking import repack_some
from mail.raw.rotation import PARTS
from mail.raw.writing import forget, keep, lose, put, waste
from mail.spool import digest
from mail.types import StoreUnavailable

__all__ = [
    "PARTS",
    "Content",
    "Packed",
    "StoreUnavailable",
    "columns",
    "compress",
    "decompress",
    "digest",
    "forget",
    "is_header",
    "keep",
    "lose",
    "pack",
    "put",
    "raws",
    "raws_of",
    "remove_orphans",
    "repack_some",
    "stored",
    "waste",
]
