"""Attachments: the leaves that are not the body, as the API lists them."""

from collections.abc import Callable

from mail.mime import fields, parameters, words
from mail.mime.structure import Leaf
from mail.types import Attachment, Octets

NESTED_HEADER = 65_536  # bytes of a nested message that its subject is looked for in
SUBJECT = 4_096  # bytes of that subject: 200 characters of it are kept
NESTED = frozenset({"message/rfc822", "message/global", "message/news"})


def describe(raw: Octets, part: int, leaf: Leaf, html: str) -> tuple[Attachment, bool]:
    """An attachment, and whether its encoding is intact. `html`: the body, whose pictures are inline whatever they
    declare."""
    size, intact = leaf.size(raw)
    return entry(part, leaf, size, lambda: _subject(leaf.beginning(raw, NESTED_HEADER)), html), intact


def entry(part: int, leaf: Leaf, size: int, subject: Callable[[], bytes], html: str = "") -> Attachment:
    """An attachment of `size` bytes. `subject`: the header value that a nested message without a name is named by."""
    name = parameters.filename(leaf.disposition, leaf.content_type)
    if not name and leaf.content_type.value in NESTED:
        name = _named_by(words.text(subject()[:SUBJECT]))
    return Attachment(
        part=part,
        filename=name,
        content_type=leaf.content_type.value,
        size=size,
        content_id=leaf.content_id,
        disposition=leaf.disposition.value if leaf.disposition.value in {"attachment", "inline"} else "",
        is_inline=_is_inline(leaf, html),
    )


def _is_inline(leaf: Leaf, html: str) -> bool:
    """Shown within the body: the HTML shows it, or it says so and can be referred to (RFC 2183 §2.1, RFC 2392)."""
    if not leaf.content_id:
        return False
    if f"cid:{leaf.content_id}" in html:
        return True
    return leaf.disposition.value == "inline" or (leaf.parent == "related" and leaf.disposition.value != "attachment")


def _subject(data: bytes) -> bytes:
    """The subject of a nested message, as written."""
    found, _ = fields.message(data)
    return next((value for name, value in found if name.strip().lower() == b"subject"), b"")


def _named_by(subject: str) -> str:
    """A file name for a nested message without one: its subject."""
    kept = "".join(char if char.isprintable() and char not in '/\\:*?"<>|' else " " for char in subject[:200])
    return f"{' '.join(kept.split()) or 'message'}.eml"
