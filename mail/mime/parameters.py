"""Content-Type and Content-Disposition: the value and its parameters, RFC 2231 and what mailers make of it."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from mail.mime import charsets, words

# An unquoted value may hold blanks (broken, common): it ends at the semicolon.
PARAMETER = re.compile(rb'(?<![^;\s"])([^\s=;"]++)\s*+=\s*+(?:"((?:[^"\\]|\\.)*+)"?|([^;]*))', re.DOTALL)
SECTION = re.compile(r"([^*]+)(?:\*(\d{1,3}))?(\*)?")
ESCAPE = re.compile(rb'\\(["\\])')
UNUSUAL = re.compile(rb"[^\t\r\n -~]|[*\\]|=\?")  # needs decoding, unescaping or joining
LIMIT = 100  # parameters read of one header
VALUE_CAP = 8_192
CACHED = 60  # bytes of a value that is worth remembering: no boundary, no file name is in it
NAME_CAP = 255  # characters of a file name: what file systems take


@dataclass(frozen=True, slots=True)
class Parameterized:
    """A header value of the form `value; name=text; …`. Texts are decoded, the value and the names lower case."""

    value: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    boundary: bytes = b""  # as bytes: it is compared with the body


def parse(value: bytes) -> Parameterized:
    """Read a Content-Type or Content-Disposition value."""
    return _cached(value) if len(value) <= CACHED else _parse(value[:VALUE_CAP])


def _parse(value: bytes) -> Parameterized:
    value = words.unfold(value)
    token, _, rest = value.partition(b";")
    if b"=" in token:  # "text/plain charset=utf-8", or no token at all
        first = token.split(None, 1)[0]
        token, rest = (first, value[len(first) :]) if b"=" not in first else (b"", value)
    name = token.strip().lower().decode("ascii", "replace").replace("\0", "")
    if b"=" not in rest:
        return Parameterized(name)
    if not UNUSUAL.search(rest):
        return _plain(name, rest)
    found = _sections(rest)
    boundary = next((raw for key, _, _, raw in found if key == "boundary"), b"")
    return Parameterized(name, _joined(found), boundary.rstrip())


_cached = lru_cache(maxsize=512)(_parse)  # mailboxes repeat a handful of "text/plain; charset=…"


def _plain(name: str, rest: bytes) -> Parameterized:
    """As _sections() and _joined(), for parameters that say plainly what they mean. Nine values in ten."""
    found: dict[str, str] = {}
    boundary = b""
    for key, quoted, bare in PARAMETER.findall(rest)[:LIMIT]:
        parameter = key.decode("ascii").lower()
        if parameter not in found:
            found[parameter] = (quoted or bare).decode("ascii").strip(" \t\r\n")
            if parameter == "boundary":
                boundary = quoted.rstrip() or bare.strip()
    return Parameterized(name, found, boundary)


def _sections(rest: bytes) -> list[tuple[str, int, bool, bytes]]:
    """(name, section, percent-encoded, value) of each parameter as written; section -1: it is the whole value."""
    out: list[tuple[str, int, bool, bytes]] = []
    for match in PARAMETER.finditer(rest):
        if len(out) == LIMIT:
            break
        section = SECTION.fullmatch(match[1].decode("ascii", "replace").lower().replace("\0", ""))
        if section is None:
            continue
        quoted = match[2] is not None
        raw = ESCAPE.sub(rb"\1", match[2]) if quoted else match[3].strip()
        out.append((section[1], int(section[2]) if section[2] else -1, bool(section[3]), raw))
    return out


def _joined(found: list[tuple[str, int, bool, bytes]]) -> dict[str, str]:
    """Parameters by name: continuations put together (RFC 2231 §3), extended values before plain ones, first wins."""
    extended: dict[str, list[tuple[int, bool, bytes]]] = {}
    plain: dict[str, str] = {}
    for name, section, percent, raw in found:
        if section >= 0 or percent:
            extended.setdefault(name, []).append((section, percent, raw))
        else:
            plain.setdefault(name, words.text(raw))
    return plain | {name: _extended(sections) for name, sections in extended.items()}


def _extended(sections: list[tuple[int, bool, bytes]]) -> str:
    """The text of an extended parameter: charset'language'percent-encoded (RFC 2231 §4)."""
    sections.sort(key=lambda section: section[0])
    charset, data = "", b""
    for index, (_, percent, raw) in enumerate(sections):
        value = raw
        if percent and index == 0 and value.count(b"'") >= 2:
            label, _, value = value.split(b"'", 2)
            charset = label.decode("ascii", "replace")
        data += unquote_to_bytes(value) if percent else value
    return words.text(data) if b"=?" in data else charsets.decode(data, charset)


def filename(disposition: Parameterized, content_type: Parameterized) -> str:
    """A part's file name from either header, its last path component only (RFC 2183 §2.3); "" where there is none."""
    name = disposition.parameters.get("filename") or content_type.parameters.get("name") or ""
    name = " ".join(re.split(r"[/\\]", name)[-1].split()) if name else ""
    name = "".join(char for char in name if char.isprintable() or char == "\u200d")
    if len(name) <= NAME_CAP:
        return name
    stem, dot, extension = name.rpartition(".")
    return stem[: NAME_CAP - len(extension) - 1] + dot + extension if dot and len(extension) < 16 else name[:NAME_CAP]
