"""A text's words as the index knows them: read the same way from documents and from queries.

Not PostgreSQL's own parser: it takes "a/b" for a file name, cuts nothing out of a CJK sentence, and depends on the
locale of the database.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

_READ = 200_000  # characters of a text; one character may fold into eighteen
LONGEST = 64  # characters; what is longer is no word that anybody types, and a lexeme may have 2 kB at most

# Scripts that write no spaces (and emoji): indexed as overlapping pairs, so that any substring is a phrase of pairs.
# Pairs, not single characters: a lexeme keeps 255 positions, which a common character uses up within one long mail.
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer
    "\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
    "\uac00-\ud7a3"  # Hangul has spaces, but its particles stick to the word
    "\u2600-\u27bf\U0001f000-\U0001faff"
)
_LETTER = rf"[^\W_{_UNSPACED}]"
_MARKS = "".join(chr(c) for c in range(0x300, 0x1E000) if unicodedata.category(chr(c))[0] == "M")
_WORD = rf"{_LETTER}(?:{_LETTER}|[{_MARKS}])*"
# Each repetition is bounded: an unbounded one takes quadratic time on "a.a.a.…".
_PLAIN = r"a-z0-9_\u00df-\u0dff"  # folded letters of the spaced scripts
_EMAIL = rf"[{_PLAIN}.+%=~'-]{{0,63}}[{_PLAIN}]@[{_PLAIN}-]{{1,63}}(?:\.[{_PLAIN}-]{{1,63}}){{1,8}}"
_TERMS = re.compile(rf"(?P<email>{_EMAIL})|(?P<run>[{_UNSPACED}]+)|{_WORD}(?P<rest>(?:[-\u2010]{_WORD})*)")
_PART = re.compile(rf"{_WORD}|[{_UNSPACED}]")

# Latin, Hebrew and Arabic accents go. Others spell the word: dakuten, vowel signs of Indic scripts.
_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]")
_UNDECOMPOSED = str.maketrans({
    "ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ς": "σ",
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u2060\ufeff\ufe0e\ufe0f", ""),
})  # fmt: skip


class Term(NamedTuple):
    """Lexemes that stand in a row, and another name for the whole row: the address, the word without hyphens."""

    lexemes: tuple[str, ...]
    whole: str = ""
    unspaced: bool = False


def fold(text: str) -> str:
    """Without the differences that a searcher does not type: width, case, accents, invisible characters."""
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKD", text).casefold()
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", text)).translate(_UNDECOMPOSED)


def terms(text: str) -> Iterator[Term]:
    """The terms of a text in order. What is longer than LONGEST, or after the first 200,000 characters, is left out."""
    for chunk in fold(text[:_READ])[:_READ].split():
        yield from _known(chunk) if len(chunk) <= LONGEST else _read(chunk)


def _read(chunk: str) -> Iterator[Term]:
    for match in _TERMS.finditer(chunk):
        found = match[0]
        if match["run"]:
            yield Term(tuple(found[at : at + 2] for at in range(len(found))), unspaced=True)
            continue
        parts = tuple(part for part in _PART.findall(found) if len(part) <= LONGEST)
        if parts:
            yield Term(parts, _whole(match) if len(found) <= LONGEST * 4 else "")


@lru_cache(maxsize=20_000)  # mail repeats its words: three times the speed
def _known(chunk: str) -> tuple[Term, ...]:
    return tuple(_read(chunk))


def _whole(match: re.Match[str]) -> str:
    """`e-mail` is also known as `email`, an address by all of itself."""
    if match["email"]:
        return match[0]
    return match[0].replace("-", "").replace("\u2010", "") if match["rest"] else ""
