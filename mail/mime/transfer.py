"""Content-Transfer-Encoding (RFC 2045 §6), undone as far as the bytes allow."""

import binascii

NOT_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
UUENCODE = frozenset({"x-uuencode", "uuencode", "x-uue", "uue"})


def decode(data: bytes, encoding: str) -> tuple[bytes, bool]:
    """The bytes that were encoded; False where the encoding was damaged and what could be read is returned."""
    if encoding == "quoted-printable":
        return binascii.a2b_qp(data), True
    if encoding == "base64":
        return _base64(data)
    if encoding in UUENCODE:
        return _uu(data)
    return data, True  # 7bit, 8bit, binary, and what nobody knows


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
