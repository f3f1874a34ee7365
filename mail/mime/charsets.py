"""Bytes in some charset, declared or not, to text that PostgreSQL can store. Never fails."""

import codecs
import re
from contextvars import ContextVar
from functools import lru_cache

import charset_normalizer

# What mailers write -> the codec that reads it. Supersets stand in for the standards whose label real mail misuses, as
# the WHATWG Encoding Standard does (gb2312 mail holds GBK, iso-8859-1 mail holds Windows-1252).
ALIASES = {
    "ascii": "", "us-ascii": "", "ansi_x3.4-1968": "", "7bit": "", "8bit": "", "binary": "", "default": "",
    "none": "", "unknown": "", "x-unknown": "", "unknown-8bit": "", "x-user-defined": "", "iso-8859-8bit": "",
    "iso-10646": "utf-8", "utf8mb4": "utf-8", "unicode": "utf-8", "utf": "utf-8", "x-utf-8": "utf-8",
    "unicode-1-1-utf-7": "utf-7", "unicode-1-1-utf-8": "utf-8", "unicode-2-0-utf-8": "utf-8",
    "x-unicode-2-0-utf-8": "utf-8", "x-unicode-2-0-utf-7": "utf-7", "iso-8859-1": "cp1252", "iso8859-1": "cp1252",
    "iso_8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252", "l1": "cp1252", "x-ansi": "cp1252",
    "ansi": "cp1252", "iso-8859-9": "cp1254", "iso-8859-11": "cp874", "tis-620": "cp874", "windows-874": "cp874",
    "iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8", "iso-8859-6-i": "iso-8859-6", "gb2312": "gb18030",
    "gb_2312-80": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "chinese": "gb18030", "cn-gb": "gb18030",
    "hz-gb-2312": "hz", "big5": "big5hkscs", "cn-big5": "big5hkscs", "x-x-big5": "big5hkscs", "euc-kr": "cp949",
    "euc_kr": "cp949", "ks_c_5601-1987": "cp949", "ks_c_5601-1989": "cp949", "ksc5601": "cp949", "ks_c_5601": "cp949",
    "ksc_5601": "cp949", "korean": "cp949", "x-windows-949": "cp949", "windows-949": "cp949", "shift_jis": "cp932",
    "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "ms_kanji": "cp932", "windows-31j": "cp932",
    "x-ms-cp932": "cp932", "x-euc-jp": "euc_jp", "x-euc": "euc_jp", "cp-850": "cp850", "macintosh": "mac_roman",
    "x-mac-roman": "mac_roman", "x-mac-cyrillic": "mac_cyrillic", "x-mac-ce": "mac_latin2", "koi8": "koi8-r",
    "koi": "koi8-r", "visual": "iso-8859-8", "logical": "iso-8859-8", "utf-16": "utf-16",
}  # fmt: skip
STATEFUL = re.compile(r"utf-?(7|16|32)|iso-?2022|hz")  # ASCII bytes that do not mean ASCII
# The usual codecs that leave ASCII as it is and give no lone surrogates.
SOUND = frozenset({"utf-8", "cp1250", "cp1251", "cp1252", "cp1254", "iso8859-2", "iso8859-15", "koi8-r"})
CHARACTER = 4  # bytes of a character in UTF-8, at most
SPLIT = 262_144  # bytes: a list of lines takes more memory than their text
# Text codecs of Python that no mail means; punycode is quadratic besides.
REFUSED = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem", "charmap"}
LABEL = re.compile(r"[a-z0-9][a-z0-9_.:+-]{0,40}")
GUESSED = 4_096  # bytes that the detector sees: it takes milliseconds for them
GUESSES = 20  # times that the detector is asked about one message
DETECTABLE = 32  # below so many bytes it guesses at random
LATIN = 4  # in Latin scripts fewer than one byte in so many is not ASCII; Cyrillic or Chinese have one in two
HIGH = bytes(range(128, 256))
# One unreadable character in so many non-ASCII bytes is damage; more means another charset.
DAMAGE, DAMAGE_DECLARED = 20, 3
ESCAPES = re.compile(rb"(\x1b[$(][@-J]|\x1b\$\([@-J]|\A)([^\x1b]*)")
VENDOR = 200_000  # bytes of ISO-2022-JP that are looked through for them
_guesses = ContextVar("guesses left", default=GUESSES)
MULTIBYTE = ("utf_8", "gb18030", "big5hkscs", "cp949", "cp932", "euc_jp", "iso2022_jp", "iso2022_kr", "hz")


@lru_cache(maxsize=512)
def _is_stateful(name: str) -> bool:
    """Whether a codec gives bytes of ASCII another meaning."""
    return STATEFUL.match(name) is not None


@lru_cache(maxsize=512)
def codec(label: str) -> str:
    """The Python codec for a charset label as mailers write it; "" where it names none that is known."""
    name = label.strip("\"' \t").lower()
    name = ALIASES.get(name, name)
    if not LABEL.fullmatch(name):
        return ""
    for candidate in (name, re.sub(r"^(?:x-|cs)|(?<=^cp)-|(?<=^windows)(?=\d)", "", name)):
        try:
            info = codecs.lookup(candidate)
        except (LookupError, ValueError):
            continue
        if info._is_text_encoding and info.name.replace("-", "_") not in REFUSED:  # noqa: SLF001 -- as decode()
            return info.name
    return ""


def decode(data: bytes, declared: str = "") -> str:
    """Text of `data`: as declared, else UTF-8 if valid, else a guess, else Windows-1252. No NUL, no surrogates."""
    name = codec(declared) if declared else ""
    ascii_only = data.isascii()
    if ascii_only and not _is_stateful(name):
        return data.replace(b"\0", b"").decode("ascii")
    for attempt in (name, "" if ascii_only or name == "utf-8" else "utf-8"):
        if attempt:
            try:
                text = data.decode(attempt)
            except (UnicodeError, ValueError):
                continue
            return text if attempt in SOUND and b"\0" not in data else clean(text)
    return clean(_damaged(data, name) or guess(data))


def lines(data: bytes, declared: str = "") -> str:
    """As decode(), with LF for mail's CRLF."""
    name = codec(declared) if declared else ""
    if (name in SOUND or (data.isascii() and not _is_stateful(name))) and b"\0" not in data:
        return decode(_with_line_feeds(data), declared)
    return decode(data, declared).replace("\r\n", "\n")


def beginning(data: bytes, declared: str) -> str | None:
    """Text of a message's first bytes, a character that is cut at their end left out; None where they do not tell."""
    name = codec(declared) if declared else ""
    if data.isascii() and not _is_stateful(name):
        return decode(data)
    if name not in SOUND:
        return None
    try:
        return clean(data.decode(name))
    except UnicodeDecodeError as error:
        return clean(data[: error.start].decode(name)) if len(data) - error.start < CHARACTER else None


def _with_line_feeds(data: bytes) -> bytes:
    """LF for CRLF. Cutting into lines takes half of the time of replace(), where all lines end alike."""
    if b"\r" not in data:
        return data
    if len(data) <= SPLIT:
        cut = data.splitlines()
        if data.endswith((b"\n", b"\r")):
            cut.append(b"")
        joined = b"\n".join(cut)
        if len(data) - len(joined) == len(cut) - 1:  # each was two characters
            return joined
    return data.replace(b"\r\n", b"\n")


def _damaged(data: bytes, name: str) -> str:
    """Text in the declared charset, or in UTF-8, when most characters of it can be read; else ""."""
    high = _high(data)
    if name == "iso2022_jp":
        return _vendor_jis(data)
    if name and name.replace("-", "_") not in MULTIBYTE:
        return data.decode(name, "replace")
    text = data.decode(name or "utf-8", "replace")  # a mailer that counts bytes cuts characters in two
    return text if text.count("\ufffd") * (DAMAGE_DECLARED if name else DAMAGE) <= high else ""


def _vendor_jis(data: bytes) -> str:
    """ISO-2022-JP with characters of NEC and IBM (circled digits): read as Shift JIS, which has them."""
    out = []
    for escape, run in ESCAPES.findall(data[:VENDOR]):
        if not escape.startswith(b"\x1b$"):
            out.append(run.decode("cp932", "replace"))
            continue
        for row, cell in zip(run[::2], run[1::2], strict=False):
            lead = (row + 1) // 2 + (0x70 if row < 0x5F else 0xB0)
            trail = cell + (0x1F + (cell > 0x5F) if row % 2 else 0x7E)
            out.append(bytes((lead & 255, trail & 255)).decode("cp932", "replace"))
    return "".join(out) + data[VENDOR:].decode("iso2022_jp", "replace")


def begin() -> None:
    """A message begins: so many guesses are free, and what comes after them is read as Windows-1252."""
    _guesses.set(GUESSES)


def guess(data: bytes) -> str:
    """Text of bytes that nothing true is known of.

    With few bytes beyond ASCII it is a Latin script: then Windows-1252 beats any detector and costs nothing.
    """
    sample = data[:GUESSED]
    if len(sample) < DETECTABLE or _high(sample) * LATIN < len(sample):
        return data.decode("cp1252", "replace")
    if not _guesses.get():
        return data.decode("cp1252", "replace")
    _guesses.set(_guesses.get() - 1)
    best = charset_normalizer.from_bytes(sample).best()
    return data.decode(best.encoding if best else "cp1252", "replace")


def _high(data: bytes) -> int:
    """How many bytes are not ASCII."""
    return len(data) - len(data.translate(None, HIGH))


def clean(text: str) -> str:
    """Text that PostgreSQL takes: without NUL, lone surrogates replaced."""
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text
