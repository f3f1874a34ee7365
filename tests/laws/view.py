"""A folder as one session has it selected: sequence numbers and what the client was told (RFC 3501 §2.3.1.2, §5.2)."""

import random
from collections.abc import Iterator

from tests.laws.commands import uid_set
from tests.laws.manner import Manner, shuffled
from tests.laws.model import Folder


class View:
    """What a client knows of its selected folder."""

    def __init__(self, folder: Folder, manner: Manner, chance: random.Random, *, vanished: bool, modseqs: bool) -> None:
        """`vanished`: QRESYNC is enabled; `modseqs`: FETCH answers tell them."""
        self.folder = folder
        self.uidvalidity = folder.uidvalidity
        self._manner, self._chance = manner, chance
        self._vanished, self._modseqs = vanished, modseqs
        self._uids = sorted(folder.copies)
        self._flags = {uid: copy.flags for uid, copy in folder.copies.items()}

    @property
    def uids(self) -> list[int]:
        """The UIDs that the client may ask for, ascending: those it was told of that are still there."""
        return [uid for uid in self._uids if uid in self.folder.copies]

    def number(self, uid: int) -> int:
        """A message's sequence number."""
        return self._uids.index(uid) + 1

    def fetch(self, uid: int, items: list[tuple[bytes, bytes]]) -> bytes:
        """A FETCH response with these items, as the server likes to order them."""
        self._flags[uid] = self.folder.copies[uid].flags
        words = (name + b" " + value for name, value in shuffled(self._chance, items, really=self._manner.shuffles))
        return b"* %d FETCH (%s)\r\n" % (self.number(uid), b" ".join(words))

    def flags(self, uid: int) -> list[tuple[bytes, bytes]]:
        """The items that tell of a message's flags."""
        copy = self.folder.copies[uid]
        flags = shuffled(self._chance, sorted(copy.flags), really=self._manner.shuffles)
        recent = ["\\Recent"] if self._manner.chatty and self._chance.random() < 0.3 else []
        items = [(b"FLAGS", b"(%s)" % " ".join([*flags, *recent]).encode())]
        return [*items, (b"MODSEQ", b"(%d)" % copy.modseq)] if self._modseqs else items

    def news(self) -> Iterator[bytes]:
        """What others changed since the client was told; it may come with any answer to a UID command."""
        if self._manner.late and self._chance.random() < 0.7:
            return
        yield from self.losses()
        came = sorted(self.folder.copies.keys() - set(self._uids))
        if came:
            self._uids += came
            yield b"* %d EXISTS\r\n* 0 RECENT\r\n" % len(self._uids)
        for uid in self._uids:
            if self._flags.get(uid) != self.folder.copies[uid].flags:
                yield self.fetch(uid, self._volunteered(uid))

    def chatter(self) -> Iterator[bytes]:
        """True, and not asked for."""
        if not self._manner.chatty:
            return
        yield self._chance.choice([b"* OK Still here\r\n", b"* OK [ALERT] Tea is ready\r\n", b"* 0 RECENT\r\n"])
        if self.uids:
            uid = self._chance.choice(self.uids)
            yield self.fetch(uid, self._volunteered(uid))

    def _volunteered(self, uid: int) -> list[tuple[bytes, bytes]]:
        """Without being asked a server may leave the UID out, unless QRESYNC is enabled (RFC 7162 §3.2.4)."""
        told = self._vanished or self._chance.random() < 0.5
        return [*([(b"UID", b"%d" % uid)] if told else []), *self.flags(uid)]

    def losses(self) -> Iterator[bytes]:
        """What is gone since the client was told."""
        gone = [uid for uid in self._uids if uid not in self.folder.copies]
        if gone and self._vanished:
            yield b"* VANISHED %s\r\n" % uid_set(gone)
        for uid in gone:
            if not self._vanished:
                yield b"* %d EXPUNGE\r\n" % self.number(uid)
            self._uids.remove(uid)
