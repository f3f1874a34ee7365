"""A client's command to tokens (RFC 3501 §9), and sets of UIDs both ways."""

import re
from collections.abc import Callable, Collection
from typing import BinaryIO

Token = bytes | list["Token"]

_LITERAL = re.compile(rb"\{(\d+)(\+?)\}\r\n$")
_TOKEN = re.compile(rb'(\()|(\))|"((?:[^"\\]|\\.)*)"|([^\s()"]+)')


def read_command(stream: BinaryIO, go_ahead: Callable[[], None]) -> list[Token]:
    """The next command's tokens, tag first. Raises EOFError."""
    stack: list[list[Token]] = [[]]
    while True:
        line = stream.readline()
        if not line.endswith(b"\r\n"):
            raise EOFError
        literal = _LITERAL.search(line)
        _tokenize(line[: literal.start()] if literal else line, stack)
        if literal is None:
            return stack[0]
        if not literal[2]:
            go_ahead()
        stack[-1].append(stream.read(int(literal[1])))


def _tokenize(line: bytes, stack: list[list[Token]]) -> None:
    for match in _TOKEN.finditer(line):
        if match[1]:
            stack.append([])
        elif match[2]:
            inner = stack.pop()
            stack[-1].append(inner)
        else:
            stack[-1].append(match[4] or re.sub(rb"\\(.)", rb"\1", match[3]))


def words(token: Token) -> list[bytes]:
    """The words of a list that holds no other lists, or none that matter."""
    return [word for word in token if isinstance(word, bytes)]


def uids(text: bytes, there: Collection[int]) -> list[int]:
    """Those of the UIDs that a set names, ascending; * is the highest."""
    top = max(there, default=0)
    named: set[int] = set()
    for part in text.split(b","):
        ends = [top if end == b"*" else int(end) for end in part.split(b":")]
        low, high = min(ends), max(ends)
        named |= {uid for uid in there if low <= uid <= high}
    return sorted(named)


def uid_set(members: Collection[int]) -> bytes:
    """UIDs as a set, ranges where they run."""
    parts: list[list[int]] = []
    for uid in sorted(members):
        if parts and parts[-1][-1] == uid - 1:
            parts[-1].append(uid)
        else:
            parts.append([uid])
    return b",".join(b"%d:%d" % (run[0], run[-1]) if len(run) > 1 else b"%d" % run[0] for run in parts)
