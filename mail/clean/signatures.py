"""Signatures and closing phrases in HTML."""

import re
from collections.abc import Callable

from selectolax.lexbor import LexborNode

from mail.clean import phrases, plain
from mail.clean.nodes import attribute, cut_from, outermost

MARKED = """
    .gmail_signature, [data-smartmail=gmail_signature], .moz-signature, .protonmail_signature_block,
    #Signature, #x_Signature, #ms-outlook-mobile-signature, #AppleMailSignature, #apple-mail-signature,
    .tutanota_signature
"""
CLASSED = re.compile(r"(?:^|\s)\S*signature(?:\s|$)")  # Yahoo: ydp1a2b3c4signature
DASHES = frozenset({"--", "-- "})
BELOW = 400  # characters of a signature
LINES = 30  # texts of one
CLOSING_LINES = 8


def remove(root: LexborNode, *, closings: bool) -> None:
    """Remove the signature and, where `closings` is wished, the closing phrase before it."""
    marked = [
        *root.css(MARKED),
        *(each for each in root.css("[class*=signature]") if CLASSED.search(attribute(each, "class"))),
    ]
    for node in outermost(marked):
        node.decompose()
    footers = [node for node in root.traverse(include_text=True) if node.tag == "-text" and _is_footer(node)]
    for node in footers:
        node.decompose()
    _cut_end(root, _is_dashes, LINES, BELOW * 3)
    _cut_end(root, phrases.is_sent_from, 4, BELOW)
    if closings:
        _cut_end(root, phrases.is_closing, CLOSING_LINES, BELOW)


def _is_footer(node: LexborNode) -> bool:
    return plain.is_footer(node.text_content or "")


def _is_dashes(text: str) -> bool:
    return text in DASHES


def _cut_end(root: LexborNode, begins: Callable[[str], bool], most: int, size: int) -> None:
    """Cut from the first of the last texts that `begins` takes."""
    texts = [(node, " ".join((node.text_content or "").split())) for node in root.traverse(include_text=True)
             if node.tag == "-text"]  # fmt: skip
    last = [(node, text) for node, text in texts if text][-most:]
    while last and sum(len(text) for _, text in last) > size:
        del last[0]
    for node, text in last:
        if begins(text):
            cut_from(node)
            return
