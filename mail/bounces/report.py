"""Notifications as RFC 3464 has them: a multipart/report with a message/delivery-status (RFC 6522), internationalized
ones (RFC 6533), and Exchange's and Amazon's, which are such with the original's Message-ID elsewhere."""

import re
from collections.abc import Iterator, Mapping

from mail.bounces import status
from mail.mime import charsets, fields, identifiers, structure
from mail.mime.structure import Tree
from mail.types import Bounce, BouncedRecipient, Octets

STATUS = frozenset({"message/delivery-status", "message/global-delivery-status"})
RETURNED = frozenset({"message/rfc822", "text/rfc822-headers", "message/rfc822-headers", "message/global",
                      "message/global-headers"})  # fmt: skip
PARTS = 5  # delivery-status parts that are read: some programs write two
CAP = 256 * 1024  # bytes that are read of a part
ADDRESS = 320  # RFC 3696: 64 @ 255
_BLANK = re.compile(r"\n[ \t]*\n")
_FOLD = re.compile(r"\n[ \t]+")
_COMMENT = re.compile(r"\([^()]*\)")
_ENDED = frozenset({"failed", "fail", "failure"})


def read(raw: Octets) -> Bounce | None:
    """What a report says; None for anything else. Never mind what lies within messages that are attached."""
    charsets.begin()
    tree = structure.read(raw)
    told = [leaf for leaf in tree.leaves if leaf.content_type.value in STATUS and leaf.parent == "report"][:PARTS]
    if not told:
        return None
    blocks = [block for leaf in told for block in _blocks(leaf.beginning(raw, CAP).decode("utf-8", "replace"))]
    failed = tuple(dict.fromkeys(filter(None, map(_recipient, blocks))))[: status.RECIPIENTS]
    header_id = _returned(raw, tree) or _told(blocks) or _answered(tree)
    return Bounce(header_id, failed, status.kind(failed)) if failed and header_id else None


def message_id_of(header: bytes) -> str:
    """The Message-ID in the header of a message that is returned; "" without."""
    found, _ = fields.collected(header, frozenset({b"message-id"}))
    return next(filter(None, map(identifiers.message_id, found.get(b"message-id", []))), "")


def _blocks(text: str) -> Iterator[Mapping[str, str]]:
    """The fields of the message, then those of each recipient, by lower-case name. Where the blank line between two
    recipients is missing, the next one begins with its Final-Recipient."""
    for block in _BLANK.split(text.replace("\r\n", "\n").replace("\r", "\n")):
        read: dict[str, str] = {}
        for line in _FOLD.sub(" ", block.strip("\n")).split("\n"):
            name, colon, value = line.partition(":")
            key = name.strip().lower()
            if key == "final-recipient" and key in read:
                yield read
                read = {}
            if colon:
                read.setdefault(key, value.strip())
        if read:
            yield read


def _recipient(block: Mapping[str, str]) -> BouncedRecipient | None:
    """Who was not reached; None where the block is of none, or its mail is on its way or there."""
    address = _address(block.get("original-recipient", "")) or _address(block.get("final-recipient", ""))
    action = _COMMENT.sub("", block.get("action", "")[: status.WORDS]).strip().lower()
    diagnostic = block.get("diagnostic-code", "").partition(";")[2] or block.get("diagnostic-code", "")
    code = status.code(block.get("status", ""), diagnostic)
    if not address or not (action in _ENDED or (not action and code.startswith("5"))):
        return None
    return BouncedRecipient(address, code, status.cleaned(diagnostic))


def _address(value: str) -> str:
    """The address behind the type of address."""
    address = status.cleaned(value.rpartition(";")[2], ADDRESS + 2).strip("<> ")
    return address if "@" in address and " " not in address and len(address) <= ADDRESS else ""


def _returned(raw: Octets, tree: Tree) -> str:
    """The Message-ID of the message, or of its header, that the report returns."""
    leaves = [leaf for leaf in tree.leaves if leaf.content_type.value in RETURNED][:PARTS]
    return next(filter(None, (message_id_of(leaf.beginning(raw, CAP)) for leaf in leaves)), "")


def _told(blocks: list[Mapping[str, str]]) -> str:
    """Exchange and Amazon name it among the fields of the message."""
    names = ("original-message-id", "x-original-message-id")
    values = (block.get(name, "").encode() for block in blocks[:1] for name in names)
    return next(filter(None, map(identifiers.message_id, values)), "")


def _answered(tree: Tree) -> str:
    """Gmail and Office 365 answer the message."""
    return next(filter(None, map(identifiers.message_id, tree.fields.get(b"in-reply-to", []))), "")
