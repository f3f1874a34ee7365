"""What the mirror knows, and what comes into it."""

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from mail.types.contents import Octets, Parsed
from mail.types.servers import RemoteFolder


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """A folder as mirrored. Every UID in [backfill_uid, uidnext) is mirrored or a gap; `mirrored` counts the former,
    `gaps` the latter; `gap_due` tells that one wants another try. Without a `wire_name` it was made here and is
    not on the server yet; `wished_name` is what it was called here, `hidden`: it was deleted here."""

    id: uuid.UUID
    wire_name: str
    name: str
    delimiter: str = ""
    role: str = ""
    attributes: frozenset[str] = frozenset()
    selectable: bool = True
    mailbox_id: str = ""
    total: int = 0
    unread: int = 0
    uidvalidity: int | None = None
    uidnext: int = 1
    highestmodseq: int = 0
    backfill_uid: int = 1
    flags_uid: int = 0
    mirrored: int = 0
    gaps: int = 0
    gap_due: bool = False
    failures: int = 0
    next_try_at: datetime | None = None
    wished_name: str = ""
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class FolderPlan:
    """Which local folder is which of the server's. `kept` pairs carry renames too: the pair's names differ."""

    kept: list[tuple[LocalFolder, RemoteFolder]] = field(default_factory=list)
    created: list[RemoteFolder] = field(default_factory=list)
    deleted: list[LocalFolder] = field(default_factory=list)


class Place(NamedTuple):
    """Where the server has a message, and its flags there."""

    folder: uuid.UUID
    uid: int
    message: uuid.UUID
    flags: frozenset[str]


class Arrival(NamedTuple):
    """A message at a place, ready to be stored.

    `message` is its public id; `parsed` is None where the mirror has it already and only the place is new. `raw` is
    None where the mirror has that too. `by_content`, where `message` is of the provider's making: the id that follows
    from what it says, which it has if it was made here.
    """

    uid: int
    message: uuid.UUID
    flags: frozenset[str]
    received_at: datetime
    size: int = 0
    digest: bytes = b""
    raw: Octets | None = None
    parsed: Parsed | None = None
    subject_key: int | None = None
    is_reply: bool = False
    thread_key: str = ""  # the provider's id of its thread, where offered
    by_content: uuid.UUID | None = None


class Tie(NamedTuple):
    """A message that has its id from here, and what its server calls it: the id that would follow from the server's
    (`alias`), and the server's id of its thread, where offered."""

    message: uuid.UUID
    alias: uuid.UUID
    thread_key: str = ""


def message_key(fetched_email_id: str, digest: bytes) -> bytes:
    """A message's identity within its account: the provider's id where there is one, else its content."""
    return b"e" + fetched_email_id.encode() if fetched_email_id else b"s" + digest


def message_id(account: uuid.UUID, key: bytes) -> uuid.UUID:
    """The public id: derived, so that it is the same after a move, a UIDVALIDITY reset or a complete re-mirror."""
    return uuid.UUID(bytes=hashlib.sha256(account.bytes + key).digest()[:16], version=5)
