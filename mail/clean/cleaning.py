"""A body, cleaned: text stays text, HTML becomes safe HTML or Markdown."""

import re

from html_to_markdown import ConversionOptions, convert
from selectolax.lexbor import LexborHTMLParser, LexborNode

from mail.clean import images, plain, quotes, safety, signatures
from mail.clean.wishes import Wishes
from mail.mime import words_of

CELL = re.compile(r"</t[dh]>")
ROW = re.compile(r"</(?:tr|caption)>")
EMPTY = re.compile(r"<(p|div|span|b|i|u|em|strong|small)>(?:\s|&nbsp;|\u200b)*+</\1>")
BREAKS = re.compile(r"(?:\s|&nbsp;)*+(?:<br>(?:\s|&nbsp;)*+){3,}")
LINES = re.compile(r"(?:[ \t]*+\n){3,}")
EDGES = re.compile(r"\A(?:\s*+<br>)+|(?:<br>\s*+)+\Z")
MARKDOWN = ConversionOptions(extract_metadata=False, br_in_tables=True)


def clean(body: str, wishes: Wishes, *, is_html: bool) -> str:
    """What the author wrote of this body; never raises for what is in it. What is nothing but a quotation stays.

    Reads 200,000 characters. HTML that is built to take time comes out as its bare words."""
    if not is_html:
        return plain.clean(body, closings=wishes.remove_conclusion_phrases)
    safe = safety.bounded(body)
    if safe is None:
        return plain.clean(words_of(safety.shortened(body)), closings=wishes.remove_conclusion_phrases)
    html = _written(_own_part(safe, wishes), wishes)
    return (convert(html, MARKDOWN).content or "").strip() if wishes.html_as_markdown else html


def _own_part(safe: str, wishes: Wishes) -> str:
    """The HTML without quotations, signatures and pictures that only spy; all of it where that leaves nothing."""
    tree = LexborHTMLParser(safe)
    root = tree.body
    if root is None:
        return ""
    quotes.remove(root)
    signatures.remove(root, closings=wishes.remove_conclusion_phrases)
    images.remove(root)
    if not _says_something(root):
        tree = LexborHTMLParser(safe)
        root = tree.body
        assert root is not None, "the same HTML has a body again"
        images.remove(root)
    if not wishes.ignore_images and wishes.images_as_markdown and not wishes.html_as_markdown:
        images.write(root)
    return root.inner_html or ""


def _says_something(root: LexborNode) -> bool:
    return bool(root.text().strip()) or root.css_first("img") is not None


def _written(html: str, wishes: Wishes) -> str:
    """Safe HTML of the elements that are wished for. Rows are told apart before their tags go."""
    if wishes.ignore_tables:
        html = ROW.sub("<br>", CELL.sub(" ", html))
    html = safety.strict(html, links=not wishes.ignore_links, images=not wishes.ignore_images,
                         tables=not wishes.ignore_tables)  # fmt: skip
    for _ in range(3):  # what is emptied empties what is around it
        html = EMPTY.sub("", html)
    return EDGES.sub("", LINES.sub("\n\n", BREAKS.sub("<br><br>", html)).strip()).strip()
