"""Header fields as they are written: encoded words (RFC 2047), parameters (RFC 2231), folded (RFC 5322 §2.2.3).

Ours, because flanker 0.9.11 cannot write all of them: it parts addresses outside ASCII by semicolons, folds neither
address lists nor parameters (servers refuse lines of over 998 octets), leaves "=?" in a subject to be taken for an
encoded word, and spells names anew (Message-Id, X-Myheader).
"""

import re
from collections.abc import Iterable, Mapping
from email.header import Header
from urllib.parse import quote

from mail.compose.recipients import routable
from mail.mime import charsets
from mail.types import Address

WIDTH = 76  # characters of a line, where it can be folded
_LINE = 900  # characters of a line that cannot; 998 is the limit (RFC 5322 §2.1.1)
_QUOTED = 60  # characters of a quoted string that is not better cut into encoded words or sections
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_SPECIAL = re.compile(r'(["\\])')


def one_line(text: str) -> str:
    """Text that begins no other field: line breaks and other controls are blanks, lone surrogates are replaced."""
    return _CONTROL.sub(" ", charsets.clean(text)).strip()


def of_text(name: str, value: str) -> str:
    """A field of unstructured text. Whatever it says, it is read back as that."""
    value = one_line(value)
    if value.isascii() and "=?" not in value:
        field = _folded(f"{name}:", value.split(" "))
        if max(map(len, field.split("\r\n"))) <= _LINE:
            return field + "\r\n"
    return f"{name}: {_words(value, name)}\r\n"


def of_people(name: str, addresses: Iterable[Address]) -> str:
    """A field of addresses, "" where there are none. Raises LetterRefused.

    Where an address is not ASCII before its @, the field is not, either (RFC 6532).
    """
    pieces: list[str] = []
    for address in addresses:
        if pieces:
            pieces[-1] += ","
        pieces += _mailbox(address)
    return _folded(f"{name}:", pieces) + "\r\n" if pieces else ""


def of_ids(name: str, ids: Iterable[str]) -> str:
    """A field of message ids, "" where there are none."""
    bracketed = [f"<{each}>" for each in ids]
    return _folded(f"{name}:", bracketed) + "\r\n" if bracketed else ""


def of_parameters(name: str, value: str, parameters: Mapping[str, str]) -> str:
    """A field like Content-Type. `name` among its parameters is written as an encoded word, as Outlook reads it, all
    others by RFC 2231."""
    pieces = [value]
    for key, text in parameters.items():
        pieces += _of_name(text) if key == "name" else _sections(key, text)
    return f"{name}: " + ";\r\n ".join(pieces) + "\r\n"


def _folded(start: str, pieces: Iterable[str]) -> str:
    """The pieces with blanks between them, on as many lines as they need. A piece may have lines of its own."""
    lines, filled = [start], False
    for piece in pieces:
        first, *rest = piece.split("\r\n")
        if filled and piece and len(lines[-1]) + 1 + len(first) > WIDTH:
            lines.append(f" {first}")
        else:
            lines[-1] += f" {first}"
        lines += rest
        filled = filled or bool(piece)
    return "\r\n".join(lines)


def _words(text: str, name: str = "Content-Type") -> str:
    """Encoded words, on as many lines as they need. `name`: what is before them on the first."""
    return Header(text, "utf-8", WIDTH, name).encode(linesep="\r\n")


def _mailbox(address: Address) -> list[str]:
    email, name = routable(address.email), one_line(address.name)
    if not name:
        return [email]
    if not _is_plain(name):
        return [_words(name), f"<{email}>"]
    return [name if _ATOMS.fullmatch(name) else _quoted(name), f"<{email}>"]


def _quoted(text: str) -> str:
    return '"' + _SPECIAL.sub(r"\\\1", text) + '"'


def _is_plain(text: str) -> bool:
    return text.isascii() and "=?" not in text and len(text) <= _QUOTED


def _of_name(text: str) -> list[str]:
    """An encoded word in a quoted string is against RFC 2047 §5, and what all mailers write and read."""
    return [f"name={_quoted(text)}" if _is_plain(text) else f'name="{_words(text)}"']


def _sections(key: str, text: str) -> list[str]:
    """A parameter, where it is long or not ASCII in sections, none of which ends amid a character."""
    if _is_plain(text):
        return [f"{key}={_quoted(text)}"]
    sections = [""]
    for sign in text:
        encoded = quote(sign, safe="")
        if len(sections[-1]) + len(encoded) > _QUOTED:
            sections.append("")
        sections[-1] += encoded
    sections[0] = f"utf-8''{sections[0]}"
    if len(sections) == 1:
        return [f"{key}*={sections[0]}"]
    return [f"{key}*{number}*={section}" for number, section in enumerate(sections)]
