"""How a server is reached, and what it says."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from mail.types.contents import Octets


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
    mechanism: str = "password"  # password | xoauth2, where `password` is an access token; mail.imap knows the first


@dataclass(frozen=True, slots=True)
class SyncPoint:
    """Up to where a folder is known: what QRESYNC's SELECT parameter needs (RFC 7162 §3.2.5)."""

    uidvalidity: int
    highestmodseq: int
    uidnext: int


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


class FlagChange(NamedTuple):
    """A flag to be given to messages of a folder, or taken from them."""

    flag: str
    add: bool
    uids: "Collection[int]"


class Copied(NamedTuple):
    """Where copies came to lie, as COPYUID tells (RFC 4315 §3): old UID -> new one, under this UIDVALIDITY. Nothing
    where the server does not tell."""

    uidvalidity: int = 0
    uids: "Mapping[int, int]" = {}


class NewFolder(NamedTuple):
    """An empty folder's UIDVALIDITY and UIDNEXT; 0 where the server does not tell."""

    uidvalidity: int = 0
    uidnext: int = 0


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
