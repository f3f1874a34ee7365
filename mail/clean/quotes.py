"""Quotations in HTML, by the marks that mail programs leave.

No kept library removes them from HTML without losing what is written below or between: quotequail cuts at the first
"On … wrote:", talon is not kept since 2017, unquotemail converts to text and back.
"""

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborNode

from mail.clean import phrases
from mail.clean.nodes import INLINE, attribute, cut_from, outermost, words

# What holds a quotation and nothing else. No selector has a "~": lexbor looks at all siblings of each element for it.
HOLDERS = """
    blockquote.gmail_quote, div.gmail_quote, .gmail_attr, blockquote[type=cite], .moz-cite-prefix, .protonmail_quote,
    .tutanota_quote, .yahoo_quoted, .yahoo-quoted, [id^=yahoo_quoted],
    #mail-editor-reference-message-container, .ms-outlook-mobile-reference-message, .zmail_extra,
    blockquote[style*=border-left], .front-blockquote
"""
# What stands before one: all that follows is quoted.
BEGINNINGS = """
    #divRplyFwdMsg, #x_divRplyFwdMsg, #appendonsend, #x_appendonsend, #stopSpelling,
    hr[data-marker=__DIVIDER__], #ms-outlook-mobile-body-separator-line, .OutlookMessageHeader
"""
BORDER = re.compile(r"border-top:\s*solid #|border-width:\s*1pt (?:medium|none|0)|border:\s*none;\s*border-top")
OUTLOOK = 600  # characters within which Outlook's From, Sent, To and Subject begin
CANDIDATES = 100
NEAR = 12  # nodes before a quotation in which its introduction is


def remove(root: LexborNode) -> None:
    """Remove what is quoted and what introduces it. What is forwarded stays: it is meant to be read."""
    for holder in outermost([each for each in root.css(HOLDERS) if not _holds_answers(each)]):
        if not _is_forwarded(holder):
            _remove_introduction(holder)
            holder.decompose()
    for quote in outermost(root.css("blockquote")):
        if _remove_introduction(quote):  # without one it is an author's quotation
            quote.decompose()
    beginning = _beginning(root)
    if beginning is not None:
        cut_from(beginning)
    for node in [node for node in root.traverse(include_text=True) if _is_quoted_line(node)]:
        _remove_introduction(node)
        node.decompose()


def _holds_answers(node: LexborNode) -> bool:
    """Gmail's element of a quotation with quotations in it has what is written between them, too."""
    return node.tag == "div" and "gmail_quote" in attribute(node, "class") and node.css_first("blockquote") is not None


def _is_forwarded(node: LexborNode) -> bool:
    return phrases.is_forward(words(node)[: phrases.LINE])


def _is_quoted_line(node: LexborNode) -> bool:
    """Text that was quoted line by line."""
    before = node.prev
    if node.tag != "-text" or (before is not None and before.tag in INLINE):
        return False
    return (node.text_content or "").lstrip().startswith(("> ", ">>", ">\n"))


def _remove_introduction(quote: LexborNode) -> bool:
    """Remove who wrote it, right before a quotation; whether that stood there."""
    found: list[LexborNode] = []
    said = ""
    for node in _before(quote):
        text = words(node)
        if node.tag == "br" or not text:
            if said:
                break
            continue
        if len(text) + len(said) > 3 * phrases.LINE:
            break
        said = f"{text} {said}".strip()
        found.append(node)
        if node.tag not in INLINE and node.tag != "-text":
            break
    if not phrases.introduces(said):
        return False
    for node in found:
        node.decompose()
    return True


def _before(node: LexborNode) -> Iterator[LexborNode]:
    """The nearest nodes before this one, nearest first; beside what it is in where it comes first in that."""
    for _ in range(NEAR):
        before = node.prev
        while before is None:
            above = node.parent
            if above is None or above.tag in {"body", "td", "li"}:
                return
            node, before = above, above.prev
        yield before
        node = before


def _beginning(root: LexborNode) -> LexborNode | None:
    """Where all that follows is quoted, if anything was said before. What is forwarded is not looked at."""
    marks = {node.mem_id for node in root.css(BEGINNINGS)}
    spoken, tried = False, 0
    for node in root.traverse(include_text=True):
        if node.mem_id in marks or (node.tag == "div" and BORDER.search(attribute(node, "style")) and _is_header(node)):
            if spoken:
                return node
            continue
        if node.tag != "-text":
            continue
        text = " ".join((node.text_content or "").split())
        if phrases.is_forward(text):
            return None
        if spoken and tried < CANDIDATES and (phrases.is_from(text) or text.startswith("---") or text.endswith(":")):
            tried += 1
            separator = _separator(node, text)
            if separator is not None:
                return separator
        spoken = spoken or bool(text)
    return None


def _separator(node: LexborNode, text: str) -> LexborNode | None:
    """The beginning of the line with this text, if all from it on is quoted."""
    line = _line_of(node)
    if phrases.is_from(text):
        return line if _is_header(line) else None
    if phrases.is_separator(text):
        return line
    parts = [node]
    while len(parts) < NEAR and (before := parts[0].prev) is not None and before.tag in INLINE | {"-text"}:
        parts.insert(0, before)
    return _line_of(parts[0]) if phrases.is_attribution(" ".join(filter(None, map(words, parts)))) else None


def _is_header(node: LexborNode) -> bool:
    """Whether Outlook's From, Sent, To and Subject begin here."""
    lines: list[str] = []
    size = 0
    each: LexborNode | None = node
    while each is not None and size < OUTLOOK and len(lines) < 40:
        text = (each.text_content if each.tag == "-text" else each.text(separator="\n")) or ""
        lines.append(text[:OUTLOOK].strip())
        size += len(text)
        each = each.next
    joined = re.sub(r"\n\s*:", ":", "\n".join(filter(None, lines)))
    return phrases.begins_header(joined.strip()[:OUTLOOK])


def _line_of(node: LexborNode) -> LexborNode:
    """The outermost element that says nothing before this text: its line, or the beginning of it."""
    while node.parent is not None and node.prev is None and node.parent.tag in INLINE | {"p"}:
        node = node.parent
    return node
