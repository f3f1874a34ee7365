"""The model is no fantasy: a session sees in it what it sees in Dovecot after the same changes, on every strategy."""

import hashlib
import random
from typing import Any

import pytest
from imapclient import IMAPClient

from mail.imap.session import MailSession
from mail.types import Login, SyncPoint
from tests.laws.manner import OFFERED, Manner, Trouble
from tests.laws.model import Folder, Mailbox
from tests.laws.server import ModelServer
from tests.mailboxes import MailboxFactory

_FLAGS = [frozenset[str](), frozenset({"\\Seen"}), frozenset({"\\Flagged", "$Label1"}), frozenset({"\\Draft"})]
_NAMES = [b"Work", b"Sent", b"Entw&APw-rfe", b"Trash"]


class Both:
    """The same changes to a mailbox on Dovecot and to the model."""

    def __init__(self, imap: IMAPClient, model: Mailbox, chance: random.Random) -> None:
        self.imap, self.model, self.chance = imap, model, chance
        self.imap.folder_encode = False

    def act(self) -> None:
        """One change."""
        often = [self.append, self.append, self.append, self.flag, self.flag, self.copy, self.move, self.expunge]
        self.chance.choice([*often, self.create, self.rename, self.delete])()

    def some(self) -> tuple[Folder, list[int]]:
        """A folder, selected, and some of its UIDs."""
        folder = self.any_folder()
        self.imap.select_folder(folder.wire)
        there = sorted(folder.copies)
        return folder, sorted(self.chance.sample(there, min(len(there), 2)))

    def any_folder(self) -> Folder:
        return self.chance.choice(sorted(self.model.folders.values(), key=lambda folder: folder.wire))

    def append(self) -> None:
        folder, flags = self.any_folder(), self.chance.choice(_FLAGS)
        raw = b"Subject: %d\r\n\r\nHello.\r\n" % self.chance.randrange(10)
        self.imap.append(folder.wire, raw, sorted(flags))
        self.model.append(folder, raw, flags)

    def flag(self) -> None:
        folder, uids = self.some()
        flags = self.chance.choice(_FLAGS)
        if uids:
            self.imap.set_flags(uids, sorted(flags))
            folder.flag(uids, flags)

    def copy(self) -> None:
        folder, uids = self.some()
        target = self.any_folder()
        if uids:
            self.imap.copy(uids, target.wire)
            self.model.copy(folder, uids, target)

    def move(self) -> None:
        folder, uids = self.some()
        target = self.any_folder()
        if uids and target is not folder:
            self.imap.copy(uids, target.wire)
            self.imap.delete_messages(uids)
            self.imap.uid_expunge(uids)
            self.model.move(folder, uids, target)

    def expunge(self) -> None:
        folder, uids = self.some()
        if uids:
            self.imap.delete_messages(uids)
            self.imap.uid_expunge(uids)
            folder.expunge(uids)

    def create(self) -> None:
        free = [name for name in _NAMES if name not in self.model.folders]
        if free:
            self.imap.create_folder(free[0])
            self.model.create(free[0])

    def rename(self) -> None:
        free = [name for name in _NAMES if name not in self.model.folders]
        folder = self.any_folder()
        if free and folder.wire != b"INBOX":
            self.imap.select_folder(b"INBOX")
            self.imap.rename_folder(folder.wire, free[0])
            self.model.rename(folder.wire, free[0])

    def delete(self) -> None:
        folder = self.any_folder()
        if folder.wire != b"INBOX":
            self.imap.select_folder(b"INBOX")
            self.imap.delete_folder(folder.wire)
            self.model.delete(folder.wire)


def seen(login: Login, points: dict[str, SyncPoint]) -> dict[str, Any]:
    """All that a session tells of a mailbox, since the sync points, which move on."""
    found: dict[str, Any] = {}
    with MailSession.open(login) as session:
        for folder in sorted(session.folders(), key=lambda each: each.wire_name):
            since = points.get(folder.wire_name)
            chosen = session.select(folder.wire_name, since)
            same = since is not None and since.uidvalidity == chosen.uidvalidity
            asks = since is not None and same and session.strategy != "full" and chosen.exists
            changes = session.changes(since) if asks and since else None
            uids = session.uids(1)
            found[folder.wire_name] = {
                "listed": (folder.name, folder.role, folder.selectable, folder.messages, folder.unseen, folder.uidnext),
                "selected": (chosen.exists, chosen.uidnext, chosen.resynced, chosen.highestmodseq > 0),
                # Older servers may tell of more than was changed (RFC 7162 §3.2.6): only what is known counts.
                "since": (same, sorted(chosen.vanished), sorted(chosen.flags.items())),
                "changes": changes and (sorted(changes.vanished), sorted(changes.flags.items())),
                "uids": (uids, session.uids(2, 3)),
                "flags": session.flags(1, chosen.uidnext) if uids else {},
                "entries": session.entries(uids) if uids else [],
                "bodies": {
                    each.uid: (each.flags, each.size, hashlib.sha256(each.raw or b"").hexdigest())
                    for each in (session.bodies(uids) if uids else ())
                },
            }
            points[folder.wire_name] = SyncPoint(chosen.uidvalidity, chosen.highestmodseq, chosen.uidnext)
    return found


@pytest.mark.parametrize("strategy", OFFERED)
def test_a_session_sees_in_the_model_what_it_sees_in_dovecot(mailbox_factory: MailboxFactory, strategy: str) -> None:
    dovecot, model = mailbox_factory(strategy), Mailbox()
    manner = Manner(frozenset({*OFFERED[strategy], "SPECIAL-USE", "ESEARCH"}))
    points: tuple[dict[str, SyncPoint], dict[str, SyncPoint]] = {}, {}
    with dovecot.client() as imap, ModelServer(model, manner) as server, server.troubled(Trouble()):
        both = Both(imap, model, random.Random(7))
        for _ in range(12):
            for _ in range(4):
                both.act()
            assert seen(server.login, points[0]) == seen(dovecot.login, points[1])
