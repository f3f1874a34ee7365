"""What the leaves of the body say: all of it, or no more than a snippet needs."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from mail.mime import bodies, charsets, transfer, visible
from mail.mime.structure import Leaf
from mail.types import Octets

TEXT_REACHES = (200, 600, 6_000)  # bytes of the body looked at for a snippet; then all of it
HTML_REACHES = (6_000, 30_000)  # HTML begins with style sheets
BY_LINE = frozenset({"quoted-printable", "base64"})  # encodings that are cut between lines


@dataclass(frozen=True, slots=True)
class Content:
    """The body of a message and its snippet. `intact`: False where its transfer encoding was damaged."""

    text: str
    html: str
    snippet: str
    intact: bool


def whole(raw: Octets, leaves: list[Leaf], body: list[int]) -> Content:
    """All that the body says in text and in HTML. Each leaf is decoded once."""
    plain, rich = bodies.versions(leaves, body)
    said: dict[int, str] = {}
    intact = True
    for index in dict.fromkeys(plain + rich):
        said[index], sound = _said(raw, leaves[index])
        intact = intact and sound
    text = "\n".join([said[index] for index in plain])
    html = "\n".join([bodies.markup(leaves[index], said[index]) for index in rich])
    return Content(text, html, visible.snippet(text, html), intact)


def beginning(raw: Octets, leaves: list[Leaf], body: list[int]) -> Content:
    """whole() without text and HTML, from the first bytes where they suffice."""
    plain, rich = bodies.versions(leaves, body)
    line = _first_words(raw, leaves, plain, TEXT_REACHES, visible.folded)
    if line == "":
        line = _first_words(raw, leaves, rich, HTML_REACHES, visible.folded_html)
    if line is None:
        return replace(whole(raw, leaves, body), text="", html="")
    return Content("", "", visible.cut(line), all(leaves[index].is_intact(raw) for index in {*plain, *rich}))


def _first_words(
    raw: Octets, leaves: list[Leaf], chosen: list[int], reaches: tuple[int, ...], folded: Callable[[str], str]
) -> str | None:
    """The words that these leaves begin with; "" where they have none, None where their first bytes do not tell."""
    if not chosen:
        return ""
    leaf = leaves[chosen[0]]
    for reach in reaches:
        said = _beginning(raw, leaf, reach)
        line = "" if said is None else folded(bodies.markup(leaf, said) if folded is visible.folded_html else said)
        if len(line) >= visible.SNIPPET:
            return line
        if said is not None and leaf.end - leaf.start <= reach and len(chosen) == 1:
            return line
    return None


def _beginning(raw: Octets, leaf: Leaf, reach: int) -> str | None:
    """What a leaf says in its first bytes; None where they do not tell."""
    if leaf.end - leaf.start <= reach:
        return _said(raw, leaf)[0]
    end = leaf.start + reach
    if leaf.encoding in BY_LINE:
        end = raw.rfind(b"\n", leaf.start, end)
    if end < 0 or leaf.encoding in transfer.UUENCODE:
        return None
    data = transfer.decode(raw[leaf.start : end], leaf.encoding)[0]
    return charsets.beginning(data, bodies.charset(leaf, data))


def _said(raw: Octets, leaf: Leaf) -> tuple[str, bool]:
    """What a leaf says; False where its transfer encoding was damaged."""
    data, intact = leaf.content(raw)
    return charsets.lines(data, bodies.charset(leaf, data)), intact
