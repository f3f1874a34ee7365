"""Which leaves are the body, and what it says in text and in HTML."""

import html
import re

from mail.mime.structure import Leaf

CAP = 10_000_000  # bytes of the body that are read, encoded: no reader wants more, and each costs up to ten
TEXT = frozenset({"text/plain", "text/html"})
FILES = frozenset({"calendar", "vcard", "x-vcard", "csv"})  # subtypes of text that are no body, even alone
META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)


def chosen(leaves: list[Leaf]) -> list[int]:
    """Indexes of the leaves that are the body; all others are attachments."""
    found = [index for index, leaf in enumerate(leaves) if _is_body(leaf)]
    first = leaves[0]
    kind, _, subtype = first.content_type.value.partition("/")
    if not found and kind == "text" and subtype not in FILES and first.disposition.value != "attachment":
        return [0]
    return found


def _is_body(leaf: Leaf) -> bool:
    """Text without a file name; named text only where the sender offers it as one version of the body."""
    if leaf.content_type.value not in TEXT or leaf.disposition.value == "attachment":
        return False
    named = "filename" in leaf.disposition.parameters or "name" in leaf.content_type.parameters
    return not named or leaf.parent == "alternative"


def versions(leaves: list[Leaf], body: list[int]) -> tuple[list[int], list[int]]:
    """Which leaves of the body, in order, make its text and which its HTML; the latter is empty where none is HTML.

    What stands outside of an alternative and is text only is in the HTML too, so that a reader of either misses
    nothing (a list's footer, words between pictures). Of an alternative's branches the last one counts that has any
    text, or HTML: the richest of its kind (RFC 2046 §5.1.4).
    """
    if len(body) == 1:
        return ([], body) if is_html(leaves[body[0]]) else (body, [])
    blocks: dict[tuple[int, int], tuple[dict[int, list[int]], dict[int, list[int]]]] = {}
    for index in body:
        leaf = leaves[index]
        group, branch = leaf.alternative or (0, 0)
        block = blocks.setdefault((group, -1) if leaf.alternative else (0, index), ({}, {}))
        block[is_html(leaf)].setdefault(branch, []).append(index)
    plain: list[int] = []
    rich: list[int] = []
    found = False
    for branches in blocks.values():
        texts, htmls = ([] if not parts else parts[max(parts)] for parts in branches)
        plain += texts
        rich += htmls or texts
        found = found or bool(htmls)
    return plain, rich if found else []


def shorten(leaves: list[Leaf], body: list[int]) -> bool:
    """Let the leaves of the body end where together they have CAP bytes; True where that cuts something."""
    left, short = CAP, False
    for index in body:
        leaf = leaves[index]
        if leaf.end - leaf.start > left:
            leaf.end, short = leaf.start + left, True
        left -= leaf.end - leaf.start
    return short


def is_html(leaf: Leaf) -> bool:
    """Whether a leaf of the body is HTML; all others are text."""
    return leaf.content_type.value == "text/html"


def markup(leaf: Leaf, said: str) -> str:
    """What a leaf says, as a part of the HTML body."""
    if is_html(leaf):
        return said
    return f'<div style="white-space: pre-wrap">{html.escape(said.strip())}</div>' if said.strip() else ""


def charset(leaf: Leaf, data: bytes) -> str:
    """The declared charset; for HTML that declares none in the header, the one in its first bytes."""
    declared = leaf.content_type.parameters.get("charset", "")
    if declared or not is_html(leaf):
        return declared
    meta = META.search(data, 0, 2_048)
    return meta[1].decode("ascii") if meta else ""
