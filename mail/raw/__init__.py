"""Raw mail and bodies: packed by the batch, compressed in frames, read by ranges, checked by their hash."""

from mail.raw.packing import Content, Packed, digest, pack
from mail.raw.reading import bodies, body, raws, raws_of, stored
from mail.raw.writing import lose, put, waste

__all__ = [
    "Content",
    "Packed",
    "bodies",
    "body",
    "digest",
    "lose",
    "pack",
    "put",
    "raws",
    "raws_of",
    "stored",
    "waste",
]
