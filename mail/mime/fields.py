"""The header section as fields: where it ends, what belongs to it, in which order."""

import re

from mail.mime import words
from mail.types import Octets

BLANK = re.compile(rb"\n\r*\n")
# Blank lines and an mbox separator before the header.
ENVELOPE = re.compile(rb"(?:[ \t]*+\r*+\n){0,1000}+(?:>?From [^\n]*\n)?")
LINE = re.compile(rb"\n(?![ \t])")  # a line that begins with a blank continues the one before (RFC 5322 §2.2.3)
NAME = re.compile(rb"[!-9;-~]+[ \t]*:")
KNOWN = re.compile(
    rb"(?:from|to|cc|subject|date|message-id|mime-version|content-[a-z-]+|received|return-path|reply-to|references|"
    rb"in-reply-to|sender|list-[a-z]+|x-[a-z-]+)[ \t]*:",
    re.IGNORECASE,
)

CAP = 1_000_000  # bytes of a header that are read: beyond are filters' lists and attacks

Fields = list[tuple[bytes, bytes]]
Collected = dict[bytes, list[bytes]]


def split(raw: Octets, start: int, limit: int) -> tuple[Fields, int]:
    """The fields of the header that begins at `start`, (name as written, folded value), and where the body is."""
    lines, end = _lines(raw, start, limit)
    return _fields(lines, start, end)


def collect(raw: Octets, start: int, limit: int, wanted: frozenset[bytes]) -> tuple[Collected, int]:
    """As split(), but only the values of fields in `wanted`, by lower-case name."""
    found: Collected = {}
    lines, end = _lines(raw, start, limit)
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not name or b" " in name:
            return _collected(_fields(lines, start, end), wanted)
        key = name.lower()
        if key in wanted:
            if key in found:
                found[key].append(value)
            else:
                found[key] = [value]
    return found, end


def _collected(split: tuple[Fields, int], wanted: frozenset[bytes]) -> tuple[Collected, int]:
    """The fields in `wanted` of what split() gave."""
    found: Collected = {}
    for name, value in split[0]:
        if name.lower() in wanted:
            found.setdefault(name.lower(), []).append(value)
    return found, split[1]


def _lines(raw: Octets, start: int, limit: int) -> tuple[list[bytes], int]:
    """The lines of a header, folds within them, and where the body is."""
    if raw[start : start + 2].startswith((b"\n", b"\r\n")):
        return [], raw.find(b"\n", start) + 1
    blank = BLANK.search(raw, start, limit)
    stop, end = (blank.start(), blank.end()) if blank else (limit, limit)
    if stop - start > CAP:
        stop = raw.rfind(b"\n", start, start + CAP)
        stop = stop if stop > start else start + CAP  # one endless line
    return LINE.split(raw[start:stop]), end


def _fields(lines: list[bytes], start: int, end: int) -> tuple[Fields, int]:
    """What the lines of a header say, and where the body is: `end`, unless it begins amid them."""
    fields: Fields = []
    for index, line in enumerate(lines):
        name, colon, value = line.partition(b":")
        if colon and name and b" " not in name:
            fields.append((name, value))
        elif NAME.match(line):
            fields.append((name.rstrip(b" \t"), value))
        elif line.strip():
            return _with_junk(lines, index, fields, start) or (fields, end)
    return fields, end


def _with_junk(lines: list[bytes], junk: int, fields: Fields, start: int) -> tuple[Fields, int] | None:
    """A header with a line that is no field: skipped when more of the header follows, else the body begins there.

    No header goes on behind a line that begins with two dashes, as delimiters do. Returns None when the header has
    all of the lines; `fields` is completed then.
    """
    stop = next((index for index in range(junk, len(lines)) if lines[index].startswith(b"--")), len(lines))
    rest = lines[junk + 1 : stop]
    if not any(map(KNOWN.match, rest)):
        return fields, start + sum(map(len, lines[:junk])) + junk
    fields += [
        (name.rstrip(b" \t"), value)
        for name, colon, value in (line.partition(b":") for line in rest if NAME.match(line))
    ]
    return None if stop == len(lines) else (fields, start + sum(map(len, lines[:stop])) + stop)


def message(raw: Octets) -> tuple[Fields, int]:
    """The fields of a whole message; an mbox "From " line and blank lines before it are tolerated."""
    fields, body = split(raw, _start(raw), len(raw))
    return (fields, body) if fields else ([], 0)


def collected(raw: Octets, wanted: frozenset[bytes]) -> tuple[Collected, int]:
    """As message(), but only the values of fields in `wanted`, by lower-case name."""
    found, body = collect(raw, _start(raw), len(raw), wanted)
    return (found, body) if found else _collected(message(raw), wanted)


def _start(raw: Octets) -> int:
    envelope = ENVELOPE.match(raw)
    return envelope.end() if envelope else 0


def decoded(raw: Octets) -> list[tuple[str, str]]:
    """The header fields in order: name as written, value unfolded and with its encoded words decoded."""
    return [(name.decode("ascii", "replace").replace("\0", ""), words.text(value)) for name, value in message(raw)[0]]
