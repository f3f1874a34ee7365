"""Subjects without what mailers put before them when one replies or forwards."""

import hashlib
import re
from functools import lru_cache

# Compared after casefold(). Sources: what the mailers of these languages write by default.
PREFIXES = {
    "English, Latin": ("re", "ref", "fw", "fwd"),
    "German": ("aw", "antw", "antwort", "wg"),
    "Dutch": ("antw", "betr", "doorst"),
    "Danish, Norwegian, Swedish": ("sv", "vb", "vs"),
    "Finnish": ("vs", "vl"),
    "Icelandic": ("sv", "fs"),
    "French": ("re", "ré", "rép", "tr"),
    "Italian": ("r", "i", "rif", "inoltra"),
    "Spanish": ("re", "rv", "reenv"),
    "Portuguese": ("res", "enc"),
    "Polish": ("odp", "pd"),
    "Hungarian": ("vá", "továbbítás", "továbbított"),
    "Turkish": ("ynt", "i̇lt", "ilt"),
    "Welsh": ("atb", "ymln"),
    "Greek": ("απ", "σχετ", "πρθ"),
    "Russian, Ukrainian": ("отв", "ответ", "на", "ha", "пересл", "пер"),
    "Hebrew": ("השב", "הועבר"),
    "Arabic": ("رد", "إعادة توجيه"),
    "Chinese": ("回复", "回覆", "答复", "答覆", "转发", "轉寄", "轉發"),
    "Japanese": ("返信", "転送"),
    "Korean": ("답장", "회신", "전달"),
    "Vietnamese": ("trả lời", "chuyển tiếp"),
    "Indonesian": ("bls", "trs"),
}
WORDS = "|".join(sorted({re.escape(word) for words in PREFIXES.values() for word in words}, key=len, reverse=True))
# "Re:", "RE[2]:", "Re(3):", "Re^2:", "Re : " (French), "回复：" (full-width colon).
PREFIX = re.compile(rf"(?:{WORDS}) ?(?:\[\d{{1,3}}\]|\(\d{{1,3}}\)|[\^*-]\d{{1,3}})? ?[:：] ?")
TAG = re.compile(r"\[[^\[\]]{1,80}\] ?")
FORWARDED = re.compile(r" ?\((?:fwd|fw)\)$")  # pine, mutt
CAP = 1_000


def subject_key(subject: str) -> tuple[int | None, bool]:
    """A signed 64-bit hash of the subject without prefixes (None: nothing is left), and whether it had any.

    Tags such as "[list]" stay, once, since they tell lists apart, but prefixes on both sides of them go:
    "Re: [list] Re: x", "[list] Re: x" and "[list] x" are one subject.
    """
    return _key(subject[:CAP])


@lru_cache(maxsize=4096)  # a conversation has one, and a batch asks three times for each
def _key(subject: str) -> tuple[int | None, bool]:
    rest, prefixed = _stripped(" ".join(subject.casefold().split()))
    if not rest:
        return None, prefixed
    return int.from_bytes(
        hashlib.blake2b(rest.encode("utf-8", "replace"), digest_size=8).digest(), signed=True
    ), prefixed


def _stripped(subject: str) -> tuple[str, bool]:
    """A folded subject without prefixes, its leading tags once each."""
    tags: dict[str, None] = {}
    position, prefixed = 0, False
    while True:
        if match := PREFIX.match(subject, position):
            prefixed = True
        elif match := TAG.match(subject, position):
            tags[match[0].strip()] = None
        else:
            break
        position = match.end()
    rest = FORWARDED.sub("", subject[position:])
    return " ".join([*tags, rest]).strip(), prefixed or len(rest) < len(subject) - position
