"""Facts that the parts of the mirror hand each other; no Django, no I/O. One file: the vocabulary of all others."""

import hashlib
import mmap
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

Octets = bytes | mmap.mmap  # in memory, or in a temporary file (mail.spool)

# What is read of one message's structure, whoever tells it: the message itself or its server.
PARTS = 1_000  # leaves listed
DEPTH = 100  # multiparts within multiparts; deeper ones are leaves


class MailError(Exception):
    """What went wrong with a mailbox, in words for its owner.

    `permanent`: trying again cannot help until somebody acts (credentials refused). All else is retried with backoff.
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class AuthenticationFailed(MailError):
    """The server refused the credentials."""


class ConnectionFailed(MailError):
    """The server cannot be reached, is not trusted, or went away."""


class FolderFailed(MailError):
    """The server refuses one folder; the others go on."""


class FolderVanished(FolderFailed):
    """The folder was listed and is gone."""


class StoreUnavailable(MailError):
    """A store of raw mail cannot be asked now. Nothing can be said of its objects: they are not lost."""

    def __init__(self, address: str, error: object) -> None:
        super().__init__(f"The store of raw mail, {address}, is not available: {error}")


class NoRoom(MailError):
    """A temporary file cannot be written: the disk is full, as a rule."""


class LeaseLost(Exception):
    """Another worker holds the account now: whatever this one knows is stale and must not be written."""


# --- how to reach a server ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Login:
    """Where a mailbox is and how to open it.

    `trusted`: the operator vouches for the host (SYNCFARM_TRUSTED_HOSTS), so that a private address, plaintext or an
    unverified certificate is allowed.
    """

    host: str
    port: int
    security: str  # tls | starttls | none
    username: str
    password: str = field(repr=False)
    trusted: bool = False


@dataclass(frozen=True, slots=True)
class SyncPoint:
    """Up to where a folder is known: what QRESYNC's SELECT parameter needs (RFC 7162 §3.2.5)."""

    uidvalidity: int
    highestmodseq: int
    uidnext: int


# --- what the server says -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RemoteFolder:
    """A line of LIST with its STATUS. `wire_name`: the name's bytes read as Latin-1; counts are None where unknown."""

    wire_name: str
    name: str
    delimiter: str
    attributes: frozenset[str]  # as sent, e.g. r"\HasNoChildren", r"\Sent"
    role: str = ""
    selectable: bool = True
    messages: int | None = None
    unseen: int | None = None
    uidnext: int | None = None
    uidvalidity: int | None = None
    highestmodseq: int | None = None
    mailbox_id: str = ""


@dataclass(frozen=True, slots=True)
class Selected:
    """The answer to SELECT/EXAMINE. highestmodseq 0: NOMODSEQ or no CONDSTORE (RFC 7162 §3.1.2).

    With QRESYNC and a known sync point the answer also brings `vanished` UIDs and the `flags` that changed since
    (RFC 7162 §3.2.5); `resynced` tells whether it did.
    """

    uidvalidity: int
    uidnext: int
    exists: int
    highestmodseq: int = 0
    resynced: bool = False
    vanished: frozenset[int] = frozenset()
    flags: "Mapping[int, frozenset[str]]" = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Changes:
    """The answer to FETCH … CHANGEDSINCE: flags that changed and, with QRESYNC's VANISHED, UIDs that went."""

    flags: "Mapping[int, frozenset[str]]"
    vanished: frozenset[int] = frozenset()


class Entry(NamedTuple):
    """What a cheap FETCH tells of a message before its body is fetched. Ids are "" where the server has none."""

    uid: int
    size: int
    flags: frozenset[str] = frozenset()
    email_id: str = ""  # X-GM-MSGID, or EMAILID of RFC 8474
    thread_id: str = ""  # X-GM-THRID, or THREADID


@dataclass(frozen=True, slots=True)
class Part:
    """A leaf of a message, or a nested message, as its server describes it: values of header fields as they are written
    in a part, b"" where there are none."""

    content_type: bytes
    disposition: bytes = b""
    encoding: bytes = b""
    content_id: bytes = b""
    octets: int = 0  # transfer-encoded
    parent: str = ""  # subtype of the multipart it is in
    subject: bytes = b""  # of a nested message


class Fetched(NamedTuple):
    """A message as fetched. `raw` is None when only its flags and dates were asked for; `complete` is False where it
    holds the header alone, because the message is over the size cap, and then `parts` are what the server tells of the
    rest: its leaves, depth first, None where it tells nothing. `digest`: SHA-256 of `raw`, where it was made while that
    came."""

    uid: int
    flags: frozenset[str]  # as sent, without \Recent
    received_at: datetime  # INTERNALDATE, aware
    size: int  # RFC822.SIZE as the server says
    raw: Octets | None
    complete: bool = True
    email_id: str = ""
    thread_id: str = ""
    digest: bytes = b""
    parts: tuple[Part, ...] | None = None


# --- what the mirror knows -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """A folder as mirrored. Every UID in [backfill_uid, uidnext) is mirrored or a gap; `mirrored` counts the former,
    `gaps` the latter; `gap_due` tells that one wants another try."""

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


@dataclass(frozen=True, slots=True)
class FolderPlan:
    """Which local folder is which of the server's. `kept` pairs carry renames too: the pair's names differ."""

    kept: list[tuple[LocalFolder, RemoteFolder]] = field(default_factory=list)
    created: list[RemoteFolder] = field(default_factory=list)
    deleted: list[LocalFolder] = field(default_factory=list)


class Arrival(NamedTuple):
    """A message at a place, ready to be stored.

    `message` is its public id; `parsed` is None where the mirror has it already and only the place is new. `raw` is
    None where the mirror has that too.
    """

    uid: int
    message: uuid.UUID
    flags: frozenset[str]
    received_at: datetime
    size: int = 0
    digest: bytes = b""
    raw: Octets | None = None
    parsed: "Parsed | None" = None
    subject_key: int | None = None
    is_reply: bool = False
    thread_key: str = ""  # the provider's id of its thread, where offered


# --- what a message says --------------------------------------------------------------------------------------------


class Address(NamedTuple):
    """A mailbox of an address header. `email` is as written; either may be ""."""

    name: str
    email: str


class Attachment(NamedTuple):
    """A part that is not the body. `part` is its index in a depth-first walk over the message's leaf parts and nested
    messages, which mail.mime.attachment_pieces takes."""

    part: int
    filename: str
    content_type: str  # lower case, "type/subtype"
    size: int  # bytes after transfer decoding; an estimate where only the header is mirrored
    content_id: str = ""  # without angle brackets
    disposition: str = ""  # attachment | inline | ""
    is_inline: bool = False


class Parsed(NamedTuple):
    """A message, read. Every text is valid Unicode without NUL (PostgreSQL takes none) or lone surrogates."""

    header_id: str = ""  # Message-ID without angle brackets
    references: tuple[str, ...] = ()  # References then In-Reply-To, ids without brackets, oldest first, no doubles
    subject: str = ""
    from_: tuple[Address, ...] = ()
    to: tuple[Address, ...] = ()
    cc: tuple[Address, ...] = ()
    bcc: tuple[Address, ...] = ()
    reply_to: tuple[Address, ...] = ()
    date: datetime | None = None  # aware; None where missing or unreadable
    text: str = ""  # the text/plain body, if any
    html: str = ""  # the text/html body, if any
    snippet: str = ""  # first 100 characters of the visible text, whitespace folded
    attachments: tuple[Attachment, ...] = ()
    problem: str = ""  # what could not be read, in words; "" when all was


# --- threading ------------------------------------------------------------------------------------------------------


class ThreadInput(NamedTuple):
    """What threading needs of a new message."""

    message: uuid.UUID
    header_id: str
    references: tuple[str, ...]
    subject: str
    participants: frozenset[str]  # lower-case addresses of from, to and cc
    received_at: datetime
    provider_key: str = ""


class SubjectCandidate(NamedTuple):
    """A mirrored message with the subject key of a new one."""

    thread: uuid.UUID
    subject_key: int
    is_reply: bool
    has_references: bool
    participants: frozenset[str]
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Assignment:
    """Threading's decision for a batch.

    `threads`: message -> thread; `created`: threads to make (id -> provider key or ""); `merged`: thread that goes ->
    thread that takes its messages and links (never a chain); `links`: message-id digests to point at a thread.
    """

    threads: dict[uuid.UUID, uuid.UUID]
    created: dict[uuid.UUID, str]
    merged: dict[uuid.UUID, uuid.UUID]
    links: dict[bytes, uuid.UUID]


# --- identity -------------------------------------------------------------------------------------------------------


def message_key(fetched_email_id: str, digest: bytes) -> bytes:
    """A message's identity within its account: the provider's id where there is one, else its content."""
    return b"e" + fetched_email_id.encode() if fetched_email_id else b"s" + digest


def message_id(account: uuid.UUID, key: bytes) -> uuid.UUID:
    """The public id: derived, so that it is the same after a move, a UIDVALIDITY reset or a complete re-mirror."""
    return uuid.UUID(bytes=hashlib.sha256(account.bytes + key).digest()[:16], version=5)
