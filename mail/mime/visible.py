"""What a reader sees of a message, as plain words: for the snippet and for the search index."""

import html as markup
import re
from collections.abc import Callable

from selectolax.lexbor import LexborHTMLParser

from mail.types import Parsed

SEARCHED = 200_000  # characters that the index takes: tsvector is capped at 1 MB
SNIPPET = 100
SNIPPET_REACHES = (200, 2_000, 20_000)  # characters of text looked at: blanks rarely fill the first
HTML_REACHES = (6_000, 30_000, 100_000)  # characters of HTML looked at: style sheets of 50 kB come first in some mail
FOLDED = 20_000  # characters of text in that HTML: the rest is blanks
# Elements that begin on a new line or in a new cell: words on both sides are apart.
BLOCK = re.compile(
    r"<(?=/?(p|div|br|td|th|tr|li|ul|ol|h[1-6]|table|hr|blockquote|pre|dd|dt|option|center)\b)", re.IGNORECASE
)
# What plain_text puts where an element begins or ends: blanks to HTML, and no others are left in it by then.
CELL, BREAK, BESIDE, APART = " ", "\n", "\f", "\t"  # on the same line; a new line; where none is yet; with one between
MARKS = {"td": CELL, "th": CELL, "br": BREAK} | dict.fromkeys(["div", "tr", "li", "dd", "dt", "option"], BESIDE)
MARKED = re.compile(f"[{CELL}{BREAK}{BESIDE}{APART}]++")
# lexbor's time is quadratic in the depth (40,000 open <div>: 4 s), and every open <font> is repeated in each later <p>.
SHALLOW = 1_000  # so many tags cannot nest harmfully
DEPTH = 256  # open elements; no real mail has so many
REPEATED = 300_000  # open formatting elements times all tags
OPENING = re.compile(
    r"<(/?)(?!(?:br|img|hr|input|meta|link|wbr|p|li|td|th|tr|dd|dt|option|col)\b)([a-z][a-z0-9:-]{0,20})", re.IGNORECASE
)
FORMATTING = re.compile(r"<(/?)(a|b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)\b", re.IGNORECASE)
TAG = re.compile(r"<[^<>]*>")
HTML_CAP = 2_000_000  # characters of HTML looked at for the index
UNSEEN = ["script", "style", "head", "title", "template", "noscript", "svg"]
# Zero-width and filler characters that pad the preview of marketing mail: soft hyphen, joiners, Hangul fillers …
FILLER = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0]+"
)


def from_html(html: str, mark: Callable[[re.Match[str]], str] | str = " <") -> str:
    """The words of an HTML body, without scripts and styles. `mark`: what BLOCK matches is replaced by it."""
    html = html[:HTML_CAP]
    if html.endswith(("<", "</")):  # where it was cut; in a table it would show before all else
        html = html[: html.rindex("<")]
    if is_deep(html):
        return markup.unescape(TAG.sub(" ", html))
    tree = LexborHTMLParser(BLOCK.sub(mark, html))
    tree.strip_tags(UNSEEN)
    root = tree.body or tree.root
    return root.text() if root is not None else ""


def plain_text(html: str) -> str:
    """An HTML body as text/plain: its words with a line for each line and a blank one between paragraphs."""
    words = from_html(" ".join(html.split()), lambda block: MARKS.get(block[1].lower(), APART) + "<")
    return MARKED.sub(_newlines, words).strip()


def _newlines(marks: re.Match[str]) -> str:
    lines = marks[0].count(BREAK) + (BESIDE in marks[0])
    return "\n" * min(max(lines, 2 * (APART in marks[0])), 3) or " "


def is_deep(html: str) -> bool:
    """Whether elements are open within each other so that reading the HTML takes long."""
    tags = html.count("<")
    return tags > SHALLOW and (_depth(html, OPENING) > DEPTH or _depth(html, FORMATTING) * tags > REPEATED)


def _depth(html: str, tag: re.Pattern[str]) -> int:
    """How many of these elements are open at once, at most. What ends an element that is not the innermost one may end
    nothing, and is not counted."""
    opened: list[str] = []
    deepest = 0
    for match in tag.finditer(html):
        name = match[2].lower()
        if not match[1]:
            opened.append(name)
            deepest = max(deepest, len(opened))
        elif opened and opened[-1] == name:
            opened.pop()
    return deepest


def folded(text: str) -> str:
    """Text on one line: blanks folded, filler characters gone."""
    if not text.isascii():
        text = FILLER.sub("", text)
    return " ".join(text.split())


def folded_html(html: str) -> str:
    """The words of HTML on one line."""
    return folded(from_html(html)[:FOLDED])


def cut(line: str) -> str:
    """A snippet of folded text."""
    return line[:SNIPPET].rstrip()


def snippet(text: str, html: str) -> str:
    """The first 100 characters of the visible text; of the HTML where there is no text."""
    line = ""
    for reach in SNIPPET_REACHES:
        line = folded(text[:reach])
        if len(line) >= SNIPPET or reach >= len(text):
            break
    if not line and html:
        for reach in HTML_REACHES:
            line = folded_html(html[:reach])
            if len(line) >= SNIPPET or reach >= len(html):
                break
    return cut(line)


def visible_text(parsed: Parsed) -> str:
    """The text body, else the words of the HTML, for the search index: at most 200,000 characters."""
    text = parsed.text if parsed.text.strip() else from_html(parsed.html) if parsed.html else ""
    return text[:SEARCHED]
