"""Unstructured header values: unfolding, encoded words (RFC 2047), raw 8-bit bytes."""

import binascii
import re

from mail.mime import charsets

FOLD = re.compile(rb"[ \t]*[\r\n]+[ \t]*")
# Up to two question marks are allowed inside: some mailers leave them raw. More would swallow the next word, and an
# unbounded run would make this quadratic.
WORD = re.compile(rb"=\?([^?\s*]{1,60})(?:\*[^?\s]{0,60})?\?([bBqQ])\?([^?]*(?:\?(?!=)[^?]*){0,2}?)\?=")
VALUE_CAP = 65_536  # bytes of a header value that are read at all


def unfold(value: bytes, cap: int = VALUE_CAP) -> bytes:
    """A header value, `cap` bytes of it at most, on one line (RFC 5322 §2.2.3)."""
    if len(value) > cap:
        value = b"".join(value[:cap].rsplit(None, 1)[:1])  # not amid an encoded word; it may be blank
    value = value.strip(b" \t\r\n")
    return FOLD.sub(b" ", value) if b"\r" in value or b"\n" in value else value


def text(value: bytes, hint: str = "") -> str:
    """The text of an unstructured header value. `hint`: the body's charset, for raw 8-bit bytes that are not UTF-8."""
    value = unfold(value)
    if value.isascii() and b"=?" not in value:
        return value.decode("ascii").replace("\0", "")
    return decoded(value, hint)


def decoded(value: bytes, hint: str = "") -> str:
    """An unfolded value with its encoded words decoded.

    Adjacent words of one charset are joined before they are decoded: many mailers cut multi-byte characters in two.
    """
    out: list[str] = []
    run, run_charset, end = bytearray(), "", 0
    for match in WORD.finditer(value):
        between = value[end : match.start()]
        charset = match[1].decode("ascii", "replace").lower()
        adjacent = bool(run_charset) and not between.strip(b" \t\r\n")
        if run and not (adjacent and charset == run_charset):
            out.append(charsets.decode(bytes(run), run_charset))
            run.clear()
        if not adjacent:
            out.append(raw(between, hint))
        run += content(match[2], match[3])
        run_charset, end = charset, match.end()
    if run:
        out.append(charsets.decode(bytes(run), run_charset))
    out.append(raw(value[end:], hint))
    return "".join(out)


def raw(value: bytes, hint: str = "") -> str:
    """Bytes of a header outside encoded words: ASCII, else UTF-8 (RFC 6532), else as the body is, else a guess."""
    try:
        return charsets.clean(value.decode())
    except UnicodeDecodeError:
        return charsets.decode(value, hint)


def content(encoding: bytes, encoded: bytes) -> bytes:
    """The bytes of one encoded word; what cannot be decoded is taken as written."""
    if encoding in b"qQ":
        return binascii.a2b_qp(encoded.replace(b"\r", b"").replace(b"\n", b""), header=True)
    try:
        return binascii.a2b_base64(encoded + b"==")
    except binascii.Error:
        return encoded
