"""Bytes in some charset, declared or not, to text that PostgreSQL can store. Never fails."""

import codecs
import re
from functools import lru_cache

import charset_normalizer

# What mailers write -> the codec that reads it. Supersets stand in for the standards whose label real mail misuses, as the
# WHATWG Encoding Standard does (gb2312 mail holds GBK, iso-8859-1 mail holds Windows-1252).
ALIASES = {
    "ascii": "", "us-ascii": "", "ansi_x3.4-1968": "", "7bit": "", "8bit": "", "binary": "", "default": "", "none": "",
    "unknown": "", "x-unknown": "", "unknown-8bit": "", "x-user-defined": "", "iso-8859-8bit": "", "iso-10646": "utf-8",
    "utf8mb4": "utf-8", "unicode": "utf-8", "utf": "utf-8", "x-utf-8": "utf-8", "unicode-1-1-utf-7": "utf-7",
    "unicode-1-1-utf-8": "utf-8", "unicode-2-0-utf-8": "utf-8", "x-unicode-2-0-utf-8": "utf-8", "x-unicode-2-0-utf-7": "utf-7",
    "iso-8859-1": "cp1252", "iso8859-1": "cp1252", "iso_8859-1": "cp1252", "latin1": "cp1252", "latin-1": "cp1252",
    "l1": "cp1252", "x-ansi": "cp1252", "ansi": "cp1252", "iso-8859-9": "cp1254", "iso-8859-11": "cp874", "tis-620": "cp874",
    "windows-874": "cp874", "iso-8859-8-i": "iso-8859-8", "iso-8859-8-e": "iso-8859-8", "iso-8859-6-i": "iso-8859-6",
    "gb2312": "gb18030", "gb_2312-80": "gb18030", "gbk": "gb18030", "x-gbk": "gb18030", "chinese": "gb18030", "cn-gb": "gb18030",
    "hz-gb-2312": "hz", "big5": "big5hkscs", "cn-big5": "big5hkscs", "x-x-big5": "big5hkscs",
    "euc-kr": "cp949", "euc_kr": "cp949", "ks_c_5601-1987": "cp949", "ks_c_5601-1989": "cp949", "ksc5601": "cp949",
    "ks_c_5601": "cp949", "ksc_5601": "cp949", "korean": "cp949", "x-windows-949": "cp949", "windows-949": "cp949",
    "shift_jis": "cp932", "shift-jis": "cp932", "sjis": "cp932", "x-sjis": "cp932", "ms_kanji": "cp932", "windows-31j": "cp932",
    "x-ms-cp932": "cp932", "x-euc-jp": "euc_jp", "x-euc": "euc_jp", "cp-850": "cp850", "macintosh": "mac_roman",
    "x-mac-roman": "mac_roman", "x-mac-cyrillic": "mac_cyrillic", "x-mac-ce": "mac_latin2", "koi8": "koi8-r", "koi": "koi8-r",
    "visual": "iso-8859-8", "logical": "iso-8859-8", "utf-16": "utf-16",
}  # fmt: skip
STATEFUL = re.compile(r"utf-?(7|16|32)|iso-?2022|hz")  # ASCII bytes that do not mean ASCII
# Text codecs of Python that no mail means; punycode is quadratic besides.
REFUSED = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem", "charmap"}
LABEL = re.compile(r"[a-z0-9][a-z0-9_.:+-]{0,40}")
GUESSED = 16_384  # bytes that the detector sees: its cost is milliseconds per 10 kB
DAMAGE = 20  # one unreadable character in so many non-ASCII bytes is damage; more means another charset
MULTIBYTE = ("utf_8", "gb18030", "big5hkscs", "cp949", "cp932", "euc_jp", "iso2022_jp", "iso2022_kr", "hz")


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
        if info._is_text_encoding and info.name.replace("-", "_") not in REFUSED:  # noqa: SLF001 -- bytes.decode asks it too
            return info.name
    return ""


def decode(data: bytes, declared: str = "") -> str:
    """Text of `data`: as declared, else UTF-8 if valid, else the detector's guess, else Windows-1252. No NUL, no surrogates."""
    name = codec(declared) if declared else ""
    if data.isascii() and not STATEFUL.match(name):
        return data.decode("ascii").replace("\0", "")
    for attempt in filter(None, (name, "utf-8")):
        try:
            return clean(data.decode(attempt))
        except (UnicodeError, ValueError):
            continue
    return clean(_damaged(data, name) or guess(data))


def _damaged(data: bytes, name: str) -> str:
    """Text in the declared charset, or UTF-8, when all but a few characters of it can be read; else ""."""
    high = len(data) - len(data.translate(None, bytes(range(128, 256))))
    if not name and high > DAMAGE:
        name = "utf-8"  # one broken byte in much valid UTF-8, cut by a mailer that counts bytes
    if not name:
        return ""
    text = data.decode(name, "replace")
    multibyte = name.replace("-", "_") in MULTIBYTE
    return text if not multibyte or text.count("\ufffd") * DAMAGE <= high or not high else ""


def guess(data: bytes) -> str:
    """Text of bytes that nothing true is known of."""
    sample = data[:GUESSED]
    best = charset_normalizer.from_bytes(sample, steps=3, chunk_size=256).best() if len(sample) >= 32 else None
    return data.decode(best.encoding if best else "cp1252", "replace")


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
