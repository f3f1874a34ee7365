"""What other clients do to a mailbox, drawn by Hypothesis: each change fits whatever mailbox it meets."""

from collections.abc import Callable
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.laws.model import Folder, Mailbox

NAMES = (b"Sent", b"Work", b"Work/Deep", b"Entw&APw-rfe", b'A "quoted" &- B', b"Trash", b"Work/Deep/er", b"Archive 1")
FLAGS = ("\\Seen", "\\Flagged", "\\Answered", "\\Deleted", "\\Draft", "$Label1", "NonJunk")
_MODSEQS_LEFT = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happens. The numbers choose among what is there."""

    kind: str
    where: int = 0
    to: int = 0
    which: int = 0
    flags: frozenset[str] = frozenset()

    def apply(self, mailbox: Mailbox) -> None:
        """Do it, if the mailbox has what it takes."""
        _KINDS[self.kind](self, mailbox)

    def folder(self, mailbox: Mailbox) -> Folder:
        """Where it happens."""
        return mailbox.selectable[self.where % len(mailbox.selectable)]

    def target(self, mailbox: Mailbox) -> Folder:
        """Where to."""
        return mailbox.selectable[self.to % len(mailbox.selectable)]

    def uids(self, folder: Folder) -> list[int]:
        """One to three mails of the folder."""
        there = sorted(folder.copies)
        start = self.which % len(there) if there else 0
        return there[start : start + 1 + self.which % 3]


def _append(change: Change, mailbox: Mailbox) -> None:
    for number in range(len(mailbox.mails), len(mailbox.mails) + 1 + change.which % 4):
        head = b"Subject: Mail %d\r\nMessage-ID: <%d@x>\r\nFrom: ann@x\r\nTo: bob@x\r\n" % (number, number)
        mailbox.append(change.folder(mailbox), head + b"\r\nHello %d.\r\n" % number, change.flags, f"T{number}")


def _reply(change: Change, mailbox: Mailbox) -> None:
    number, before = len(mailbox.mails), change.which % (len(mailbox.mails) + 2)
    head = b"Subject: Re: Mail %d\r\nMessage-ID: <%d@x>\r\nIn-Reply-To: <%d@x>\r\n" % (before, number, before)
    mailbox.append(
        change.folder(mailbox), head + b"From: bob@x\r\nTo: ann@x\r\n\r\nYes.\r\n", change.flags, f"T{before}"
    )


def _twin(change: Change, mailbox: Mailbox) -> None:
    if mailbox.mails:
        once = mailbox.mails[change.which % len(mailbox.mails)]
        mailbox.append(change.folder(mailbox), once.raw, change.flags, once.thread_id)


def _odd(change: Change, mailbox: Mailbox) -> None:
    odd = (b"", b"\r\n", b"no header", b")\r\n* BYE\r\nF3 OK done\r\n", b"Subject: \xff\xfe\r\n\r\n\x00\x01\r\n")
    mailbox.append(change.folder(mailbox), odd[change.which % len(odd)], change.flags)


def _flag(change: Change, mailbox: Mailbox) -> None:
    change.folder(mailbox).flag(change.uids(change.folder(mailbox)), change.flags)


def _expunge(change: Change, mailbox: Mailbox) -> None:
    change.folder(mailbox).expunge(change.uids(change.folder(mailbox)))


def _empty(change: Change, mailbox: Mailbox) -> None:
    change.folder(mailbox).expunge(sorted(change.folder(mailbox).copies))


def _move(change: Change, mailbox: Mailbox) -> None:
    source = change.folder(mailbox)
    mailbox.move(source, change.uids(source), change.target(mailbox))


def _copy(change: Change, mailbox: Mailbox) -> None:
    source = change.folder(mailbox)
    mailbox.copy(source, change.uids(source), change.target(mailbox))


def _free_name(change: Change, mailbox: Mailbox) -> bytes | None:
    free = [name for name in NAMES if name not in mailbox.folders]
    return free[change.to % len(free)] if free else None


def _create(change: Change, mailbox: Mailbox) -> None:
    if wire := _free_name(change, mailbox):
        mailbox.create(wire)


def _rename(change: Change, mailbox: Mailbox) -> None:
    old, new = change.folder(mailbox).wire, _free_name(change, mailbox)
    if new and not new.startswith(old + b"/") and not any(name.startswith(new + b"/") for name in mailbox.folders):
        mailbox.rename(old, new)


def _delete(change: Change, mailbox: Mailbox) -> None:
    folder = change.folder(mailbox)
    if folder.wire != b"INBOX":
        mailbox.delete(folder.wire)


def _reset(change: Change, mailbox: Mailbox) -> None:
    if not mailbox.one_uidvalidity:
        mailbox.reset(change.folder(mailbox), lower=bool(change.to % 2), renumber=bool(change.which % 2))


def _lose_modseqs(change: Change, mailbox: Mailbox) -> None:
    if change.folder(mailbox).modseq > _MODSEQS_LEFT:
        change.folder(mailbox).lose_modseqs()


_KINDS: dict[str, Callable[[Change, Mailbox], None]] = {
    "append": _append,
    "reply": _reply,
    "twin": _twin,
    "odd": _odd,
    "flag": _flag,
    "move": _move,
    "copy": _copy,
    "expunge": _expunge,
    "empty": _empty,
    "create": _create,
    "rename": _rename,
    "delete": _delete,
    "reset": _reset,
    "lose_modseqs": _lose_modseqs,
}

CHANGES = st.builds(
    Change,
    kind=st.sampled_from(["append", "append", "reply", "flag", "move", "copy", *_KINDS]),
    where=st.integers(0, 5),
    to=st.integers(0, 5),
    which=st.integers(0, 8),
    flags=st.frozensets(st.sampled_from(FLAGS), max_size=3),
)
