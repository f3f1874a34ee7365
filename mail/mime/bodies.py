"""Which leaves are the body, and what it says in text and in HTML."""

import html as markup
import re
from dataclasses import dataclass, field

from mail.mime import charsets
from mail.mime.structure import Leaf

TEXT = frozenset({"text/plain", "text/html"})
META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.IGNORECASE)


@dataclass(slots=True)
class Block:
    """A stretch of the body: one part, or all versions that a multipart/alternative offers of it."""

    text: dict[int, list[str]] = field(default_factory=dict)  # branch of the alternative -> its parts
    html: dict[int, list[str]] = field(default_factory=dict)


def chosen(leaves: list[Leaf]) -> set[int]:
    """Indexes of the leaves that are the body; all others are attachments."""
    found = {index for index, leaf in enumerate(leaves) if _is_body(leaf)}
    first = leaves[0]
    if not found and first.content_type.value.startswith("text/") and first.disposition.value != "attachment":
        found = {0} - {
            0 for kind in ("calendar", "vcard", "x-vcard", "csv") if first.content_type.value == f"text/{kind}"
        }
    return found


def _is_body(leaf: Leaf) -> bool:
    """Text without a file name; named text only where the sender offers it as one version of the body."""
    if leaf.content_type.value not in TEXT or leaf.disposition.value == "attachment":
        return False
    named = "filename" in leaf.disposition.parameters or "name" in leaf.content_type.parameters
    return not named or leaf.parent == "alternative"


def texts(leaves: list[tuple[Leaf, bytes]]) -> tuple[str, str]:
    """The body in text and in HTML from its leaves and their bytes, in order.

    Several parts are joined. What stands outside of an alternative and is text only is in the HTML too, so that a
    reader of either misses nothing (a list's footer, words between pictures).
    """
    blocks: dict[tuple[str, int], Block] = {}
    for index, (leaf, data) in enumerate(leaves):
        group, branch = leaf.alternative or (0, 0)
        block = blocks.setdefault(("alternative", group) if leaf.alternative else ("part", index), Block())
        is_html = leaf.content_type.value == "text/html"
        text = charsets.decode(data, _charset(leaf, data, is_html)).replace("\r\n", "\n")
        (block.html if is_html else block.text).setdefault(branch, []).append(text)
    if len(blocks) == 1:
        block = next(iter(blocks.values()))
        return "\n".join(_last(block.text)), "\n".join(_last(block.html))
    has_html = any(block.html for block in blocks.values())
    plain = [part for block in blocks.values() for part in _last(block.text)]
    rich = [part for block in blocks.values() for part in _last(block.html) or map(_as_html, _last(block.text))]
    return "\n".join(plain), "\n".join(rich) if has_html else ""


def _last(branches: dict[int, list[str]]) -> list[str]:
    """The parts of the last branch that has any: the richest of one kind (RFC 2046 §5.1.4)."""
    return branches[max(branches)] if branches else []


def _as_html(text: str) -> str:
    return f'<div style="white-space: pre-wrap">{markup.escape(text.strip())}</div>' if text.strip() else ""


def _charset(leaf: Leaf, data: bytes, is_html: bool) -> str:
    """The declared charset; for HTML that declares none in the header, the one in its first bytes."""
    declared = leaf.content_type.parameters.get("charset", "")
    if declared or not is_html:
        return declared
    meta = META.search(data, 0, 2_048)
    return meta[1].decode("ascii") if meta else ""
