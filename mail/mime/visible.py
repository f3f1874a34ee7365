"""What a reader sees of a message, as plain words: for the snippet and for the search index."""

import re

from selectolax.lexbor import LexborHTMLParser

from mail.types import Parsed

SEARCHED = 200_000  # characters that the index takes: tsvector is capped at 1 MB
SNIPPET = 100
SNIPPET_SOURCE = 2_000  # characters of text looked at first; blanks and rules rarely fill them
HTML_SOURCE = 100_000  # characters of HTML looked at for a snippet: style sheets of 50 kB come first in some mail
# Elements that begin on a new line or in a new cell: words on both sides are apart.
BLOCK = re.compile(
    r"<(?=/?(?:p|div|br|td|th|tr|li|ul|ol|h[1-6]|table|hr|blockquote|pre|dd|dt|option|center)\b)", re.IGNORECASE
)
UNSEEN = ["script", "style", "head", "title", "template", "noscript", "svg"]
# Zero-width and filler characters that pad the preview of marketing mail (soft hyphen, grapheme joiner, Braille blank …).
FILLER = dict.fromkeys([0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180E, *range(0x200B, 0x2010),
                        *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0x2800, 0x3164, 0xFEFF, 0xFFA0])  # fmt: skip


def from_html(html: str) -> str:
    """The words of an HTML body, without scripts and styles."""
    tree = LexborHTMLParser(BLOCK.sub(" <", html))
    tree.strip_tags(UNSEEN)
    root = tree.body or tree.root
    return root.text() if root is not None else ""


def folded(text: str) -> str:
    """Text on one line: blanks folded, filler characters gone."""
    if not text.isascii():
        text = text.translate(FILLER)
    return " ".join(text.split())


def snippet(text: str, html: str) -> str:
    """The first 100 characters of the visible text; of the HTML where there is no text."""
    for source in (text[:SNIPPET_SOURCE], text[: SNIPPET_SOURCE * 10]):
        line = folded(source)
        if len(line) >= SNIPPET or len(source) == len(text):
            break
    if not line and html:
        line = folded(from_html(html[:HTML_SOURCE])[: SNIPPET_SOURCE * 10])
    return line[:SNIPPET].rstrip()


def visible_text(parsed: Parsed) -> str:
    """The text body, else the words of the HTML, for the search index: at most 200,000 characters."""
    text = parsed.text if parsed.text.strip() else from_html(parsed.html) if parsed.html else ""
    return text[:SEARCHED]
