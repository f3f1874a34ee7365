"""Content-Transfer-Encoding (RFC 2045 §6), undone as far as the bytes allow."""

import binascii
from collections.abc import Iterator

from mail.spool import let_go
from mail.types import Octets

BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
NOT_BASE64 = bytes(set(range(256)) - set(BASE64))
CHUNK = 65_536  # bytes looked at together: they stay in the processor's cache
UUENCODE = frozenset({"x-uuencode", "uuencode", "x-uue", "uue"})
UU_CAP = 10_000_000  # bytes of uuencode that are decoded: it is read line by line
DAMAGEABLE = UUENCODE | {"base64"}  # the others give something of all bytes


def decode(data: bytes, encoding: str) -> tuple[bytes, bool]:
    """The bytes that were encoded; False where the encoding was damaged and what could be read is returned."""
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data), True
    if encoding == "base64":
        return _base64(data)
    if encoding in UUENCODE:
        return _uu(data)
    return data, True  # 7bit, 8bit, binary, and what nobody knows


def size(raw: Octets, start: int, end: int, encoding: str) -> tuple[int, bool]:
    """len(decode(raw[start:end])) and whether it is intact, without decoding what is regular, which most base64 is."""
    if encoding == "base64":
        counted = _base64_size(raw, start, end)
        if counted is not None:
            return counted
    elif encoding == "quoted-printable":
        return sum(len(binascii.a2b_qp(lines)) for lines in _lines(raw, start, end)), True
    elif encoding not in UUENCODE or end - start > UU_CAP:
        return max(end - start, 0), encoding not in UUENCODE
    data, intact = decode(raw[start:end], encoding)
    return len(data), intact


def estimate(octets: int, encoding: str) -> int:
    """How many bytes so many encoded ones are, about.

    For base64, two too many at most where its lines have 76 characters, a hundredth more or less where they have
    others. Quoted-printable is taken as it is: a twentieth too many for text in ASCII, a tenth for most European
    languages, three times too many where every byte is escaped.
    """
    if encoding == "base64":
        return (octets - 2 * (octets // 78)) // 4 * 3
    if encoding in UUENCODE:
        return octets * 45 // 63
    return octets


def pieces(raw: Octets, start: int, end: int, encoding: str) -> Iterator[bytes]:
    """decode(raw[start:end]) piece by piece; in one, where the encoding is damaged or uuencode."""
    if encoding == "base64" and _base64_size(raw, start, end) is not None:
        yield from _base64_pieces(raw, start, end)
    elif encoding == "quoted-printable":
        yield from map(binascii.a2b_qp, _lines(raw, start, end))
    elif encoding == "base64" or (encoding in UUENCODE and end - start <= UU_CAP):
        yield decode(raw[start:end], encoding)[0]
    else:
        yield from _chunks(raw, start, end)


def _base64_pieces(raw: Octets, start: int, end: int) -> Iterator[bytes]:
    """Of what has no padding before its end: there only the alphabet's characters count."""
    digits = b""
    for chunk in _chunks(raw, start, end):
        digits += chunk.translate(None, NOT_BASE64)
        whole = len(digits) // 4 * 4
        yield binascii.a2b_base64(digits[:whole])
        digits = digits[whole:]
    yield _base64(digits)[0]


def _chunks(raw: Octets, start: int, end: int) -> Iterator[bytes]:
    for at in range(start, end, CHUNK):
        yield raw[at : min(at + CHUNK, end)]
        let_go(raw)


def _base64_size(raw: Octets, start: int, end: int) -> tuple[int, bool] | None:
    """As size(), by counting the alphabet's characters; None where padding comes before the end: there a decoder
    stops, and what it has read by then only it knows."""
    digits = 0
    for at in range(start, end, CHUNK):
        chunk = raw[at : min(at + CHUNK, end)]
        pad = chunk.find(b"=")
        if pad >= 0 and (end - at - pad > CHUNK or raw[at + pad : end].strip(b"=\r\n \t")):
            return None
        digits += len(chunk) - len(chunk.translate(None, BASE64))
        let_go(raw)
    return digits * 3 // 4, digits % 4 != 1


def _lines(raw: Octets, start: int, end: int) -> Iterator[bytes]:
    """All of it, cut at ends of lines: what these decode to is what all decodes to."""
    while start < end:
        stop = raw.find(b"\n", start + CHUNK, end) + 1
        stop = stop if stop > 0 else end
        yield raw[start:stop]
        let_go(raw)
        start = stop


def _base64(data: bytes) -> tuple[bytes, bool]:
    """Base64; missing padding is no damage, a lone last character is."""
    try:
        return binascii.a2b_base64(data), True
    except binascii.Error:
        kept = data.translate(None, NOT_BASE64)
        lone = len(kept) % 4 == 1
        kept = kept[: len(kept) - lone]
        return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4)), not lone


def _uu(data: bytes) -> tuple[bytes, bool]:
    """The first file between "begin" and "end"; all of it as it is where there is none."""
    if len(data) > UU_CAP:
        return data, False
    begin = data.find(b"begin ")
    lines = data[begin:].splitlines()[1:] if begin >= 0 else []
    out: list[bytes] = []
    for line in lines:
        if line.strip() == b"end":
            return b"".join(out), True
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            used = (((line[0] - 32) & 63) * 4 + 5) // 3  # some encoders pad lines with blanks or check sums
            try:
                out.append(binascii.a2b_uu(line[:used]))
            except binascii.Error:
                return b"".join(out) or data, False
    return b"".join(out) or data, False
