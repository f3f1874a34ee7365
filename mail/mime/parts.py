"""The attachments of a message of which only the header is there, from what its server tells of its parts."""

from collections.abc import Sequence

from mail.mime import attachments, bodies, charsets, transfer
from mail.mime.structure import PLAIN, Leaf, leaf_of
from mail.types import PARTS, Attachment, Part


def listed(parts: Sequence[Part]) -> tuple[tuple[Attachment, ...], str]:
    """The attachments as mail.mime.parse lists them of the whole message, and what could not be read, in words; never
    raises.

    Sizes are estimates (transfer.estimate). A picture that says neither that it is inline nor that it is related to the
    HTML is taken for an attachment: whether the HTML shows it nobody knows.
    """
    try:
        return read(parts)
    except Exception as error:  # noqa: BLE001 -- whatever a server says of one mail, the mailbox goes on
        return (), f"the list of its parts could not be read ({type(error).__name__})"


def read(parts: Sequence[Part]) -> tuple[tuple[Attachment, ...], str]:
    """listed() without its net."""
    charsets.begin()
    leaves = [_leaf(part) for part in parts[:PARTS]]
    body = frozenset(bodies.chosen(leaves)) if leaves else frozenset[int]()
    found = tuple(
        _attachment(index, leaf, part)
        for index, (leaf, part) in enumerate(zip(leaves, parts, strict=False))
        if index not in body
    )
    return found, f"only the first {PARTS:,} parts are listed" if len(parts) > PARTS else ""


def _attachment(index: int, leaf: Leaf, part: Part) -> Attachment:
    return attachments.entry(index, leaf, transfer.estimate(part.octets, leaf.encoding), lambda: part.subject)


def _leaf(part: Part) -> Leaf:
    said = {
        b"content-type": part.content_type,
        b"content-disposition": part.disposition,
        b"content-transfer-encoding": part.encoding,
        b"content-id": part.content_id,
    }
    leaf = leaf_of({name: [value] for name, value in said.items() if value}, 0, part.octets, PLAIN)
    leaf.parent = part.parent
    return leaf
