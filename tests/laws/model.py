"""A mailbox as a server keeps it (RFC 3501 §2.3, RFC 7162, RFC 8474): pure state, and what other clients and accidents
do to it. UIDs only grow, a folder's (name, UIDVALIDITY) never comes back with other mail, mod-sequences only grow until
`lose_modseqs`."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

FIRST_MODSEQ = 1 << 20  # room below, for servers that lose theirs
FIRST_UIDVALIDITY = 1000  # room below, for UIDVALIDITYs that fall
DELIMITER = b"/"

# Wire name -> special-use attribute (RFC 6154). A name alone decides, so that both ways to learn a role agree.
SPECIAL = {b"Sent": "\\Sent", b"Entw&APw-rfe": "\\Drafts", b"Trash": "\\Trash"}


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail, wherever it lies. The ids are RFC 8474's."""

    raw: bytes
    received: bytes  # INTERNALDATE
    email_id: str
    thread_id: str

    @property
    def digest(self) -> bytes:
        """SHA-256 of the bytes."""
        return hashlib.sha256(self.raw).digest()


@dataclass(frozen=True, slots=True)
class Copy:
    """A mail at a UID."""

    mail: Mail
    flags: frozenset[str]
    modseq: int


@dataclass(slots=True, eq=False)
class Folder:
    """A folder. `expunged`: UID -> mod-sequence of its end, of the present UIDVALIDITY."""

    wire: bytes
    uidvalidity: int
    mailbox_id: str
    selectable: bool = True
    uidnext: int = 1
    modseq: int = FIRST_MODSEQ
    copies: dict[int, Copy] = field(default_factory=dict)
    expunged: dict[int, int] = field(default_factory=dict)
    gone: bool = False  # deleted while somebody may have it selected

    @property
    def unseen(self) -> int:
        """How many mails are unread."""
        return sum("\\Seen" not in copy.flags for copy in self.copies.values())

    def add(self, mail: Mail, flags: frozenset[str]) -> int:
        """Put a mail in and return its UID."""
        self.modseq += 1
        uid, self.uidnext = self.uidnext, self.uidnext + 1
        self.copies[uid] = Copy(mail, flags, self.modseq)
        return uid

    def flag(self, uids: Iterable[int], flags: frozenset[str]) -> None:
        """Set the flags of mails; those that have them already do not change."""
        changed = [uid for uid in uids if self.copies[uid].flags != flags]
        self.modseq += bool(changed)
        for uid in changed:
            self.copies[uid] = replace(self.copies[uid], flags=flags, modseq=self.modseq)

    def expunge(self, uids: Iterable[int]) -> list[Copy]:
        """Take mails out and return them."""
        gone = list(uids)
        self.modseq += bool(gone)
        self.expunged |= dict.fromkeys(gone, self.modseq)
        return [self.copies.pop(uid) for uid in gone]

    def reset(self, uidvalidity: int, *, renumber: bool) -> None:
        """Give the UIDs another meaning (RFC 3501 §2.3.1.1): mails keep their UIDs or are numbered from 1."""
        copies = list(self.copies.values())
        self.uidvalidity = uidvalidity
        self.expunged = {}
        if renumber:
            self.copies = dict(enumerate(copies, 1))
            self.uidnext = len(copies) + 1

    def lose_modseqs(self) -> None:
        """Start over with mod-sequences, far enough below that the old highest is not reached again before a sync."""
        self.modseq //= 2
        self.copies = {uid: replace(copy, modseq=self.modseq) for uid, copy in self.copies.items()}
        self.expunged = dict.fromkeys(self.expunged, self.modseq)


class Mailbox:
    """All folders. `one_uidvalidity`: every new folder gets the same, as some servers do."""

    def __init__(self, *, one_uidvalidity: bool = False, ids_by_content: bool = False) -> None:
        self.one_uidvalidity = one_uidvalidity
        self._ids_by_content = ids_by_content
        self._count = 0
        self._named: dict[tuple[bytes, int], Folder] = {}  # every name and UIDVALIDITY that ever was
        self.folders: dict[bytes, Folder] = {}
        self.mails: list[Mail] = []  # all that ever came
        self.create(b"INBOX")

    @property
    def selectable(self) -> list[Folder]:
        """The folders that hold mail."""
        return [folder for folder in self.folders.values() if folder.selectable]

    def held(self) -> set[Mail]:
        """Every mail that lies somewhere."""
        return {copy.mail for folder in self.folders.values() for copy in folder.copies.values()}

    def fresh_uidvalidity(self, *, lower: bool = False) -> int:
        """One that no folder ever had."""
        used = {FIRST_UIDVALIDITY, *(value for _name, value in self._named)}
        return min(used) - 1 if lower else max(used) + 1

    def mail(self, raw: bytes, thread: str) -> Mail:
        """A mail that comes in now; one with the same bytes may be the same to the server (RFC 8474 §5.1)."""
        self._count += 1
        identity = hashlib.sha256(raw).hexdigest()[:16] if self._ids_by_content else f"M{self._count}"
        minute, second = divmod(self._count, 60)
        received = b"29-Feb-2024 %02d:%02d:%02d +0130" % (minute // 60 % 24, minute % 60, second)
        mail = Mail(raw, received, identity, thread)
        self.mails.append(mail)
        return mail

    def append(self, folder: Folder, raw: bytes, flags: frozenset[str] = frozenset(), thread: str = "T") -> int:
        """APPEND."""
        return folder.add(self.mail(raw, thread), flags)

    def copy(self, source: Folder, uids: Sequence[int], target: Folder) -> list[int]:
        """COPY: flags and dates stay. Returns the UIDs of the copies."""
        return [target.add(copy.mail, copy.flags) for copy in [source.copies[uid] for uid in uids]]

    def move(self, source: Folder, uids: Sequence[int], target: Folder) -> list[int]:
        """MOVE. Returns the new UIDs."""
        return [target.add(copy.mail, copy.flags) for copy in source.expunge(uids)]

    def create(self, wire: bytes) -> Folder:
        """CREATE; a mere name above others becomes a folder."""
        self._count += 1
        folder = Folder(wire, 0, f"F{self._count}")
        self.folders[wire] = folder
        self._settle(folder, FIRST_UIDVALIDITY if self.one_uidvalidity else self.fresh_uidvalidity())
        return folder

    def rename(self, old: bytes, new: bytes) -> None:
        """RENAME: children follow, UIDs stay; INBOX stays and gives its mail away (RFC 3501 §6.3.5)."""
        if old == b"INBOX":
            inbox = self.folders[old]
            self.move(inbox, sorted(inbox.copies), self.create(new))
            return
        for wire in [wire for wire in self.folders if wire == old or wire.startswith(old + DELIMITER)]:
            folder = self.folders.pop(wire)
            folder.wire = new + wire[len(old) :]
            self.folders[folder.wire] = folder
            self._settle(folder, folder.uidvalidity)

    def delete(self, wire: bytes) -> None:
        """DELETE; a folder above others stays as a mere name (RFC 3501 §6.3.4)."""
        folder = self.folders.pop(wire)
        folder.gone = True
        if any(other.startswith(wire + DELIMITER) for other in self.folders):
            self._count += 1
            self.folders[wire] = Folder(wire, 0, f"F{self._count}", selectable=False)

    def reset(self, folder: Folder, *, lower: bool, renumber: bool) -> None:
        """Another UIDVALIDITY for the folder."""
        folder.reset(self.fresh_uidvalidity(lower=lower), renumber=renumber)
        self._named[folder.wire, folder.uidvalidity] = folder

    def _settle(self, folder: Folder, uidvalidity: int) -> None:
        """A name for a folder; if its UIDs would mean what they once meant under it, with another UIDVALIDITY."""
        if folder.selectable and self._named.setdefault((folder.wire, uidvalidity), folder) is not folder:
            folder.reset(self.fresh_uidvalidity(), renumber=False)
            self._named[folder.wire, folder.uidvalidity] = folder
        else:
            folder.uidvalidity = uidvalidity
