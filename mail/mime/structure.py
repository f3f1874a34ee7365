"""The parts of a message in one pass over its lines: every leaf with its header and the place of its bytes.

Nothing is refused: what does not hold together is text. Time is linear in the size, however deep parts nest, because
one scan compares each line that begins with two dashes with the boundaries that are open (RFC 2046 §5.1.2).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from mail.mime import fields, transfer, words
from mail.mime.parameters import Parameterized, parse
from mail.spool import STRETCH, let_go
from mail.types import DEPTH, PARTS, Octets

DELIMITER = re.compile(rb"\n--([^\n]*)")
STOP = re.compile(rb"\n(?:--|\r*\n)")  # what ends a part's header
GUESS = re.compile(rb"^--([^\s-][^\r\n]{0,69}?)[ \t]*\r?$", re.MULTILINE)
CONTENT = frozenset({b"content-type", b"content-transfer-encoding", b"content-disposition", b"content-id"})
READ = frozenset(
    {
        *CONTENT,
        b"from",
        b"to",
        b"cc",
        b"bcc",
        b"reply-to",
        b"subject",
        b"date",
        b"message-id",
        b"references",
        b"in-reply-to",
    }
)
ENCODING_CAP = 100  # bytes of a Content-Transfer-Encoding value: the longest known one has 16
LOOKALIKES = 1_000_000  # lines that begin with two dashes and delimit nothing
PLAIN, MESSAGE = Parameterized("text/plain"), Parameterized("message/rfc822")
NONE = Parameterized()
NOTHING = [b""]


@dataclass(slots=True)
class Container:
    """A multipart that is open. `alternative`: what Leaf.alternative is for all parts in it."""

    kind: str  # the subtype
    boundary: bytes
    number: int
    alternative: tuple[int, int] | None
    children: int = 0


@dataclass(slots=True)
class Leaf:
    """A part with no parts of its own, or a nested message. Its bytes are raw[start:end], transfer-encoded."""

    content_type: Parameterized
    disposition: Parameterized
    encoding: str
    content_id: str
    start: int
    end: int
    parent: str = ""  # subtype of the multipart it is in
    alternative: tuple[int, int] | None = (
        None  # the outermost multipart/alternative it is in, and in which branch of that
    )

    def content(self, raw: Octets) -> tuple[bytes, bool]:
        """The part's bytes after transfer decoding, and whether the encoding was intact."""
        return transfer.decode(raw[self.start : self.end], self.encoding)

    def size(self, raw: Octets) -> tuple[int, bool]:
        """How many bytes content() gives, and whether the encoding is intact."""
        return transfer.size(raw, self.start, self.end, self.encoding)

    def pieces(self, raw: Octets) -> Iterator[bytes]:
        """What content() gives, piece by piece."""
        return transfer.pieces(raw, self.start, self.end, self.encoding)

    def beginning(self, raw: Octets, size: int) -> bytes:
        """The first bytes of content(), `size` or fewer."""
        if self.encoding in transfer.UUENCODE:
            return self.content(raw)[0][:size]
        return transfer.decode(raw[self.start : min(self.end, self.start + size)], self.encoding)[0]

    def is_intact(self, raw: Octets) -> bool:
        """Whether the encoding is intact."""
        return self.encoding not in transfer.DAMAGEABLE or self.size(raw)[1]


@dataclass(slots=True)
class Tree:
    """A message's header fields, those in READ by lower-case name, and its leaves, depth first."""

    fields: dict[bytes, list[bytes]]
    leaves: list[Leaf] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read(raw: Octets) -> Tree:
    """The message's header and leaves."""
    header, body = fields.collected(raw, READ)
    tree = Tree(header)
    if body > fields.CAP:
        tree.problems.append(f"only the first {fields.CAP:,} bytes of the header are read")
    root = leaf_of(header, body, len(raw), PLAIN)
    boundary = _boundary(root, raw) if root.content_type.value.startswith("multipart/") else b""
    if boundary:
        _Scan(raw, tree).run(root, boundary)
    if not tree.leaves:  # no multipart, or one without a single delimiter: then all of it is text
        root.content_type = PLAIN if root.content_type.value.startswith("multipart/") else root.content_type
        tree.leaves.append(root)
    return tree


def leaf_of(header: fields.Collected, start: int, end: int, default: Parameterized) -> Leaf:
    """A part from its Content-* fields, the first of each."""
    kind = parse(header[b"content-type"][0]) if b"content-type" in header else default
    return Leaf(
        content_type=kind if "/" in kind.value else Parameterized(default.value, kind.parameters, kind.boundary),
        disposition=parse(header[b"content-disposition"][0]) if b"content-disposition" in header else NONE,
        encoding=_encoding(header.get(b"content-transfer-encoding", NOTHING)[0][:ENCODING_CAP]),
        content_id=words.text(header[b"content-id"][0]).strip("<> ") if b"content-id" in header else "",
        start=start,
        end=end,
    )


@lru_cache(maxsize=256)  # five words, and each as sloppy mailers write it
def _encoding(value: bytes) -> str:
    """A Content-Transfer-Encoding value in lower case, without what does not belong to it."""
    return value.strip().lower().partition(b";")[0].strip(b" \t\"'").decode("ascii", "replace")


def _boundary(leaf: Leaf, raw: Octets) -> bytes:
    """The boundary that separates a multipart's parts: the declared one, else the one that its body shows."""
    declared = leaf.content_type.boundary
    if declared and raw.find(b"--" + declared, leaf.start - 1, leaf.end) >= 0:
        return declared
    shown = GUESS.search(raw, leaf.start, leaf.end)
    again = shown and raw.find(b"\n--" + shown[1], shown.end(), leaf.end) >= 0
    return shown[1] if shown and again else declared


def _delimiters(raw: Octets, start: int) -> Iterator[re.Match[bytes]]:
    """Every line that begins with two dashes. One stretch of lines after the other, so that no more of a file than that
    is in memory."""
    while start < len(raw):
        stop = raw.find(b"\n", start + STRETCH)
        stop = stop if stop >= 0 else len(raw)
        yield from DELIMITER.finditer(raw, start, stop)
        let_go(raw)
        start = stop


class _Scan:
    """One pass over the delimiter lines of a multipart message."""

    def __init__(self, raw: Octets, tree: Tree) -> None:
        self.raw, self.tree = raw, tree
        self.open: list[Container] = []
        self.index: dict[bytes, int] = {}  # boundary -> place in `open`
        self.part: Leaf | None = None  # the leaf being read
        self.containers = 0

    def run(self, root: Leaf, boundary: bytes) -> None:
        """List the leaves of the whole message."""
        self.push(root, boundary)
        lookalikes = 0
        for match in _delimiters(self.raw, max(root.start - 1, 0)):
            line = match[1].rstrip(b" \t\r")
            at = self.index.get(line)
            last = at is None and line.endswith(b"--")
            if last:
                at = self.index.get(line[:-2])
            lookalikes += at is None
            if at is not None:
                self.delimiter(match, at, last=last)
            if len(self.tree.leaves) >= PARTS or lookalikes > LOOKALIKES:
                self.cut(lookalikes)
                break
        self.close(len(self.raw))

    def cut(self, lookalikes: int) -> None:
        """Say what is left out of a message that is too much."""
        if lookalikes > LOOKALIKES:
            self.tree.problems.append(f"only the first {LOOKALIKES:,} lines that look like delimiters are compared")
        elif self.part is not None:
            self.part = None
            self.tree.problems.append(f"only the first {PARTS:,} parts are listed")

    def delimiter(self, match: re.Match[bytes], at: int, *, last: bool) -> None:
        """Close and open what this line closes and opens. `at`: place of the multipart whose boundary it has."""
        start = match.start()
        self.close(start - 1 if start and self.raw[start - 1 : start] == b"\r" else start)
        while len(self.open) > at + 1 - last:
            del self.index[self.open.pop().boundary]
        if not last:
            self.part = self.begin(min(match.end() + 1, len(self.raw)))

    def begin(self, start: int) -> Leaf | None:
        """The part whose header begins at `start`; None when it is a multipart, whose parts come next."""
        parent = self.open[-1]
        stop = STOP.search(self.raw, start - 1)
        limit = stop.start() + 1 if stop and stop[0] == b"\n--" else len(self.raw)
        header, body = fields.collect(self.raw, start, limit, CONTENT)
        leaf = leaf_of(header, body, len(self.raw), MESSAGE if parent.kind == "digest" else PLAIN)
        leaf.parent, leaf.alternative = parent.kind, parent.alternative
        if parent.kind == "alternative" and not parent.alternative:
            leaf.alternative = (parent.number, parent.children)
        parent.children += 1
        boundary = leaf.content_type.boundary if leaf.content_type.value.startswith("multipart/") else b""
        if not boundary or boundary in self.index or len(self.open) >= DEPTH:
            return leaf
        self.push(leaf, boundary)
        return None

    def push(self, leaf: Leaf, boundary: bytes) -> None:
        """Open a multipart."""
        self.index[boundary] = len(self.open)
        self.containers += 1
        kind = leaf.content_type.value.partition("/")[2]
        self.open.append(Container(kind, boundary, self.containers, leaf.alternative))

    def close(self, end: int) -> None:
        """The part being read ends here."""
        if self.part is not None:
            self.part.end = max(self.part.start, end)
            self.tree.leaves.append(self.part)
            self.part = None
