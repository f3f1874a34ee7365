"""One client's connection to the model: its commands and their answers. What goes wrong is the server's business."""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from tests.laws.commands import Token, uid_set, uids, words
from tests.laws.manner import Manner, shuffled
from tests.laws.model import SPECIAL, Folder, Mail, Mailbox
from tests.laws.view import View

USER, PASSWORD = "alice@example.test", "correct horse"

_T = TypeVar("_T")
_BODY = re.compile(rb"BODY(?:\.PEEK)?\[(HEADER)?\](?:<(\d+)\.(\d+)>)?")


class Refused(Exception):
    """The command is answered NO; the text may begin with a code."""


class Hangup(Exception):
    """The server says BYE."""


class Conversation:
    """What a server knows of one client. `withheld`: the mails that are not handed out now."""

    def __init__(
        self, mailbox: Mailbox, manner: Manner, chance: random.Random, withheld: Callable[[Folder, int], bool]
    ):
        self._mailbox, self._manner, self._chance, self._withheld = mailbox, manner, chance, withheld
        self._enabled = False
        self._modseqs = False
        self._view: View | None = None
        self.stale = 0
        self.welcome = False
        self.code = b""  # of the tagged OK
        self._halfway = False

    def undoes(self, name: bytes, arguments: list[Token]) -> bool:
        """Whether a command that fails on its way leaves nothing behind (RFC 3501 §6.3.11, §6.4.7); MOVE may."""
        return name == b"APPEND" or (name == b"UID" and arguments[0] == b"COPY")

    def answer(self, name: bytes, arguments: list[Token], *, halfway: bool = False) -> Iterator[bytes]:
        """The untagged responses to a command; `code` is the tagged one's then. `halfway`: it is about to fail. Raises
        Refused or Hangup."""
        self.code, self._halfway = b"", halfway
        handler = _HANDLERS.get(name)
        if handler is None or not (self.welcome or name in {b"CAPABILITY", b"LOGIN", b"LOGOUT"}):
            raise Refused("what?")
        yield from handler(self, arguments)

    def capability(self, _arguments: list[Token]) -> Iterator[bytes]:
        """CAPABILITY."""
        yield b"* CAPABILITY %s\r\n" % " ".join(["IMAP4rev1", *sorted(self._manner.capabilities)]).encode()

    def login(self, arguments: list[Token]) -> Iterator[bytes]:
        """LOGIN; AUTHENTICATE is not offered."""
        if arguments != [USER.encode(), PASSWORD.encode()]:
            raise Refused("[AUTHENTICATIONFAILED] not you")
        self.welcome = True
        return iter(())

    def identify(self, _arguments: list[Token]) -> Iterator[bytes]:
        """ID (RFC 2971)."""
        yield b'* ID ("name" "Model")\r\n'

    def enable(self, arguments: list[Token]) -> Iterator[bytes]:
        """ENABLE (RFC 5161)."""
        self._enabled |= b"QRESYNC" in arguments
        self._modseqs = True
        yield b"* ENABLED %s\r\n" % b" ".join(words(arguments))

    def list_folders(self, arguments: list[Token]) -> Iterator[bytes]:
        """LIST of everything, with STATUS where asked (RFC 5819); a STATUS may come any time after its LIST."""
        options = arguments[3] if len(arguments) > 3 and isinstance(arguments[3], list) else []
        waiting: list[bytes] = []
        for folder in self._shuffled(list(self._mailbox.folders.values())):
            yield self._listed(folder)
            if b"STATUS" in options and folder.selectable:
                waiting.append(self._status(folder, options[options.index(b"STATUS") + 1]))
            if not self._manner.shuffles or self._chance.random() < 0.5:
                yield b"".join(waiting)
                waiting = []
        yield b"".join(self._shuffled(waiting))

    def status(self, arguments: list[Token]) -> Iterator[bytes]:
        """STATUS."""
        yield self._status(self._named(arguments[0]), arguments[1])

    def examine(self, arguments: list[Token]) -> Iterator[bytes]:
        """EXAMINE or SELECT, with QRESYNC's answer where asked (RFC 7162 §3.2.5)."""
        if self._view is not None and self._enabled:
            yield b"* OK [CLOSED] that one\r\n"
        self._view = None
        folder = self._named(arguments[0])
        asked = arguments[1] if len(arguments) > 1 else []
        assert isinstance(asked, list)
        self._modseqs |= bool(asked)
        view = View(folder, self._manner, self._chance, vanished=self._enabled, modseqs=self._modseqs)
        yield from self._shuffled(self._selected(folder))
        if b"QRESYNC" in asked:
            uidvalidity, modseq, *known = words(asked[asked.index(b"QRESYNC") + 1])
            if int(uidvalidity) == folder.uidvalidity:
                within = known[0] if known else b"1:%d" % max(folder.uidnext - 1, 1)
                yield from self._since(view, int(modseq), within, vanished=True)
        self._view = view

    def uid(self, arguments: list[Token]) -> Iterator[bytes]:
        """UID SEARCH, FETCH, STORE, COPY, MOVE and EXPUNGE, with whatever the server has to tell besides."""
        view = self._selected_view()
        handlers = {
            b"SEARCH": self._search,
            b"FETCH": self._fetch,
            b"STORE": self._store,
            b"COPY": self._copy,
            **({b"MOVE": self._move} if "MOVE" in self._manner.capabilities else {}),
            **({b"EXPUNGE": self._expunge} if "UIDPLUS" in self._manner.capabilities else {}),
        }
        assert isinstance(arguments[0], bytes)
        responses = list(handlers[arguments[0]](view, arguments[1:]))
        besides = [*view.chatter(), *view.news()]
        at = self._chance.randint(0, len(responses)) if self._manner.shuffles else len(responses)
        # What was made before may name messages by their older numbers: tell of expunges last.
        numbers = any(b" EXPUNGE" in each for each in besides)
        if numbers:
            at = len(responses)
        yield from [*responses[:at], *besides, *responses[at:]]

    def logout(self, _arguments: list[Token]) -> Iterator[bytes]:
        """LOGOUT."""
        yield b"* BYE see you\r\n"

    def _selected_view(self) -> View:
        if self._view is None:
            raise Refused("no folder is selected")
        if self._view.folder.gone:
            raise Refused("[NONEXISTENT] the folder is gone")
        if self._view.uidvalidity != self._view.folder.uidvalidity:
            raise Hangup("UIDs mean something else now")
        return self._view

    def _named(self, wire: Token) -> Folder:
        folder = self._mailbox.folders.get(wire) if isinstance(wire, bytes) else None
        if folder is None or not folder.selectable:
            raise Refused("[NONEXISTENT] no such folder")
        return folder

    def _listed(self, folder: Folder) -> bytes:
        above = any(other.startswith(folder.wire + b"/") for other in self._mailbox.folders)
        attributes = ["\\HasChildren" if above else "\\HasNoChildren"]
        attributes += [] if folder.selectable else ["\\Noselect"]
        if "SPECIAL-USE" in self._manner.capabilities and folder.wire in SPECIAL:
            attributes.append(SPECIAL[folder.wire])
        return b'* LIST (%s) "/" %s\r\n' % (" ".join(attributes).encode(), self._string(folder.wire))

    def _status(self, folder: Folder, asked: Token) -> bytes:
        told = {
            b"MESSAGES": max(len(folder.copies) + self.stale, 0),
            b"UNSEEN": max(folder.unseen + self.stale, 0),
            b"UIDNEXT": max(folder.uidnext + self.stale, 1),
            b"UIDVALIDITY": folder.uidvalidity,
            b"HIGHESTMODSEQ": max(folder.modseq + self.stale, 1),
            b"MAILBOXID": f"({folder.mailbox_id})",
        }
        facts = [f"{name.decode()} {told[name]}" for name in self._shuffled(words(asked))]
        return b"* STATUS %s (%s)\r\n" % (self._string(folder.wire), " ".join(facts).encode())

    def _selected(self, folder: Folder) -> list[bytes]:
        condstore = "CONDSTORE" in self._manner.capabilities
        return [
            b"* FLAGS (\\Seen \\Flagged \\Answered \\Deleted \\Draft)\r\n",
            b"* %d EXISTS\r\n* 0 RECENT\r\n" % max(len(folder.copies) + self.stale, 0),
            b"* OK [UIDVALIDITY %d] valid\r\n" % folder.uidvalidity,
            *([] if self._manner.keeps_uidnext else [b"* OK [UIDNEXT %d] next\r\n" % folder.uidnext]),
            *([b"* OK [HIGHESTMODSEQ %d] highest\r\n" % folder.modseq] if condstore else []),
        ]

    def _since(self, view: View, modseq: int, within: bytes, *, vanished: bool) -> Iterator[bytes]:
        """What changed since; where the end of a message is forgotten, all that is not there (RFC 7162 §3.2.6)."""
        folder = view.folder
        if vanished:
            once = range(1, folder.uidnext)
            ends = dict.fromkeys(once, folder.modseq + 1) if self._manner.forgetful else folder.expunged
            asked = uids(within, once)
            gone = [uid for uid in asked if uid not in folder.copies and ends.get(uid, 0) > modseq]
            if gone:
                yield b"* VANISHED (EARLIER) %s\r\n" % uid_set(gone)
        changed = [uid for uid in uids(within, view.uids) if folder.copies[uid].modseq > modseq]
        for uid in self._shuffled(changed):
            yield view.fetch(uid, [(b"UID", b"%d" % uid), *view.flags(uid)])

    def append(self, arguments: list[Token]) -> Iterator[bytes]:
        """APPEND, with APPENDUID where the server likes (RFC 4315 §3)."""
        wire, flags, _received, content = arguments
        assert isinstance(content, bytes)
        folder = self._named(wire)
        uid = self._mailbox.append(folder, content, frozenset(flag.decode() for flag in words(flags)))
        if self._tells_uids():
            self.code = b"[APPENDUID %d %d] " % (folder.uidvalidity, uid)
        return iter(())

    def _tells_uids(self) -> bool:
        return "UIDPLUS" in self._manner.capabilities and not self._manner.keeps_uids

    def _copy(self, view: View, arguments: list[Token]) -> Iterator[bytes]:
        assert isinstance(arguments[0], bytes)
        target, among = self._named(arguments[1]), uids(arguments[0], view.uids)
        self.code = self._copyuid(target, among, self._mailbox.copy(view.folder, among, target))
        return iter(())

    def _move(self, view: View, arguments: list[Token]) -> Iterator[bytes]:
        """Half of it, if it fails on its way (RFC 6851 §3.3)."""
        assert isinstance(arguments[0], bytes)
        target, among = self._named(arguments[1]), uids(arguments[0], view.uids)
        among = among[: len(among) // 2] if self._halfway else among
        told = self._copyuid(target, among, self._mailbox.move(view.folder, among, target))
        if told:
            yield b"* OK %sMoved\r\n" % told
        yield from view.losses()

    def _copyuid(self, target: Folder, old: list[int], new: list[int]) -> bytes:
        if not (old and self._tells_uids()):
            return b""
        return b"[COPYUID %d %s %s] " % (target.uidvalidity, uid_set(old), uid_set(new))

    def _expunge(self, view: View, arguments: list[Token]) -> Iterator[bytes]:
        assert isinstance(arguments[0], bytes)
        view.folder.expunge(
            [uid for uid in uids(arguments[0], view.uids) if "\\Deleted" in view.folder.copies[uid].flags]
        )
        yield from view.losses()

    def _search(self, view: View, arguments: list[Token]) -> Iterator[bytes]:
        returned = arguments[0] == b"RETURN"
        key, among, *rest = words(arguments[2:] if returned else arguments)
        assert key == b"UID"
        found = uids(among, view.uids)
        if rest:
            header, name, wanted = rest
            assert (header, name) == (b"HEADER", b"Message-ID")
            found = [uid for uid in found if wanted in _header_id(view.folder.copies[uid].mail)]
        if returned:
            tail = b" ALL " + uid_set(found) if found else b""
            yield b"* ESEARCH UID%s\r\n" % tail
        else:
            yield b"* SEARCH %s\r\n" % b" ".join(b"%d" % uid for uid in self._shuffled(found))

    def _fetch(self, view: View, arguments: list[Token]) -> Iterator[bytes]:
        among, asked = arguments[0], words(arguments[1])
        assert isinstance(among, bytes)
        if len(arguments) > 2:
            modifiers = words(arguments[2])
            self._modseqs = True
            since = modifiers[modifiers.index(b"CHANGEDSINCE") + 1]
            yield from self._since(view, int(since), among, vanished=b"VANISHED" in modifiers)
            return
        bodies = any(_BODY.fullmatch(item) for item in asked)
        for uid in self._shuffled(uids(among, view.uids)):
            if not (bodies and self._withheld(view.folder, uid)):
                yield view.fetch(uid, [item for name in asked for item in self._item(view, uid, name)])

    def _store(self, view: View, arguments: list[Token]) -> Iterator[bytes]:
        """Flags given or taken, and what they are then."""
        assert isinstance(arguments[0], bytes)
        flags = {flag.decode() for flag in words(arguments[2])}
        assert isinstance(arguments[1], bytes)
        for uid in uids(arguments[0], view.uids):
            before = view.folder.copies[uid].flags
            view.folder.flag([uid], before | flags if arguments[1].startswith(b"+FLAGS") else before - flags)
            told = view.fetch(uid, [(b"UID", b"%d" % uid), *view.flags(uid)])
            if not arguments[1].endswith(b".SILENT"):
                yield told

    def _item(self, view: View, uid: int, name: bytes) -> list[tuple[bytes, bytes]]:
        mail = view.folder.copies[uid].mail
        section = _BODY.fullmatch(name)
        if section is not None:
            content = mail.raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if section[1] else mail.raw
            shown = b"BODY[%s]" % (section[1] or b"")
            if section[2]:
                start = int(section[2])
                content, shown = content[start : start + int(section[3])], shown + b"<%d>" % start
            return [(shown, self._literal(content))]
        if name == b"FLAGS":
            return view.flags(uid)
        return [(name, self._fact(name, uid, mail))]

    def _fact(self, name: bytes, uid: int, mail: Mail) -> bytes:
        facts = {
            b"UID": b"%d" % uid,
            b"INTERNALDATE": b'"%s"' % mail.received,
            b"RFC822.SIZE": b"%d" % len(mail.raw),
            b"EMAILID": f"({mail.email_id})".encode(),
            b"THREADID": f"({mail.thread_id})".encode(),
        }
        return facts[name]

    def _string(self, text: bytes) -> bytes:
        if self._manner.literals and self._chance.random() < 0.5:
            return self._literal(text)
        return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'

    def _literal(self, text: bytes) -> bytes:
        return b"{%d}\r\n%s" % (len(text), text)

    def _shuffled(self, things: Sequence[_T]) -> list[_T]:
        return shuffled(self._chance, things, really=self._manner.shuffles)


def _header_id(mail: Mail) -> bytes:
    found = re.search(rb"^message-id:(.*)$", mail.raw.partition(b"\r\n\r\n")[0], re.IGNORECASE | re.MULTILINE)
    return found[1] if found else b""


_HANDLERS: dict[bytes, Callable[[Conversation, list[Token]], Iterator[bytes]]] = {
    b"CAPABILITY": Conversation.capability,
    b"LOGIN": Conversation.login,
    b"ID": Conversation.identify,
    b"ENABLE": Conversation.enable,
    b"LIST": Conversation.list_folders,
    b"STATUS": Conversation.status,
    b"EXAMINE": Conversation.examine,
    b"SELECT": Conversation.examine,
    b"UID": Conversation.uid,
    b"APPEND": Conversation.append,
    b"LOGOUT": Conversation.logout,
}
