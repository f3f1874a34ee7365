"""An IMAP server of one INBOX that consists of numbers: a million messages cost it nothing, as no Dovecot can fill one
quickly.

It speaks what the mirror asks for with QRESYNC (RFC 7162), LIST-STATUS (RFC 5819) and ESEARCH (RFC 4731). Only
messages that came after its start have a body.
"""

import bisect
import contextlib
import re
import socketserver
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from bench.mails import BenchMail

UIDVALIDITY = 7
_CAPABILITIES = (
    b"IMAP4rev1 LITERAL+ SASL-IR ID ENABLE IDLE NAMESPACE UIDPLUS SPECIAL-USE LIST-EXTENDED LIST-STATUS ESEARCH"
    b" CONDSTORE QRESYNC"
)
_OLD = BenchMail(b"", (), datetime(2015, 1, 1, tzinfo=UTC))
_RANGE = re.compile(rb"(\d+)(?::(\d+|\*))?")


class Numbers:
    """The mailbox: UIDs 1 to `messages`, all seen; and what happened to it since. Its mod-sequence grows by 1 an
    event, from `messages` on."""

    def __init__(self, messages: int) -> None:
        self.uidnext = messages + 1
        self.modseq = messages
        self.gone: list[int] = []  # sorted
        self.bodies: dict[int, BenchMail] = {}
        self._flags: dict[int, bytes] = {}
        self._changed: dict[int, int] = {}  # uid -> modseq
        self._expunged: dict[int, int] = {}

    @property
    def exists(self) -> int:
        """Messages in it."""
        return self.uidnext - 1 - len(self.gone)

    @property
    def flagged(self) -> int:
        """Those of them with \\Flagged."""
        return sum(rb"\Flagged" in flags for uid, flags in self._flags.items() if uid not in self._expunged)

    def deliver(self, mail: BenchMail) -> None:
        """A new message, unseen."""
        self.modseq += 1
        self.bodies[self.uidnext] = mail
        self._changed[self.uidnext] = self.modseq
        self.uidnext += 1

    def flag(self, uid: int, flags: bytes) -> None:
        """Another client gives a message these flags."""
        self.modseq += 1
        self._flags[uid], self._changed[uid] = flags, self.modseq

    def expunge(self, uids: list[int]) -> None:
        """Another client deletes messages."""
        self.modseq += 1
        self._expunged |= dict.fromkeys(uids, self.modseq)
        self.gone = sorted(self._expunged)

    def sequence(self, uid: int) -> int:
        """Its message sequence number."""
        return uid - bisect.bisect_left(self.gone, uid)

    def present(self, low: int, high: int) -> Iterator[int]:
        """UIDs within low..high."""
        return (uid for uid in range(low, min(high, self.uidnext - 1) + 1) if uid not in self._expunged)

    def flags(self, uid: int) -> bytes:
        """As in a FLAGS item; mail that came new is unseen."""
        return self._flags.get(uid, b"" if uid in self.bodies else rb"\Seen")

    def changed_since(self, modseq: int) -> list[int]:
        """UIDs, ascending, of what is new or has other flags."""
        return sorted(uid for uid, at in self._changed.items() if at > modseq and uid not in self._expunged)

    def vanished_since(self, modseq: int) -> list[int]:
        """UIDs, ascending, of what was expunged."""
        return sorted(uid for uid, at in self._expunged.items() if at > modseq)

    def modseq_of(self, uid: int) -> int:
        """Of a message."""
        return self._changed.get(uid, min(uid, self.modseq))


class NumberedServer:
    """Serves the numbers on a free port of 127.0.0.1 as long as the context lasts. Any password opens it."""

    def __init__(self, numbers: Numbers) -> None:
        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Conversation)
        self._server.daemon_threads = True
        self._server.numbers = numbers  # type: ignore[attr-defined]  # how socketserver hands it on
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self.port = int(self._server.server_address[1])

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Conversation(socketserver.StreamRequestHandler):
    """One connection."""

    disable_nagle_algorithm = True

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            self.wfile.write(b"* OK [CAPABILITY %s] ready\r\n" % _CAPABILITIES)
            for line in self.rfile:
                tag, _, command = line.strip().partition(b" ")
                answers, done = self._answer(command)
                ending = tag + b" " + done
                self.wfile.write(b"".join(each + b"\r\n" for each in [*answers, ending]))
                if command.upper() == b"LOGOUT":
                    return

    def _answer(self, command: bytes) -> tuple[list[bytes], bytes]:
        """Untagged lines, and what follows the tag in the last."""
        numbers: Numbers = self.server.numbers  # type: ignore[attr-defined]
        words = command.upper().split(b" ")
        word = b" ".join(words[: 2 if words[0] == b"UID" else 1])
        if word in _QUESTIONS:
            return _QUESTIONS[word](numbers, command), b"OK done"
        return _ANSWERS.get(word, ([], b"BAD what?"))


def _list(numbers: Numbers, command: bytes) -> list[bytes]:
    listed = [rb'* LIST (\HasNoChildren) "/" INBOX']
    return [*listed, _status(numbers, command)] if b"STATUS (" in command.upper() else listed


def _status(numbers: Numbers, command: bytes) -> bytes:
    known = {
        b"MESSAGES": numbers.exists,
        b"UNSEEN": sum(rb"\Seen" not in numbers.flags(uid) for uid in numbers.bodies),
        b"UIDNEXT": numbers.uidnext,
        b"UIDVALIDITY": UIDVALIDITY,
        b"HIGHESTMODSEQ": numbers.modseq,
    }
    asked = command.rpartition(b"(")[2].strip(b")").upper().split()
    return b"* STATUS INBOX (%s)" % b" ".join(b"%s %d" % (name, known[name]) for name in asked if name in known)


def _examine(numbers: Numbers, command: bytes) -> list[bytes]:
    said = [
        b"* %d EXISTS" % numbers.exists,
        b"* OK [UIDVALIDITY %d] lasting" % UIDVALIDITY,
        b"* OK [UIDNEXT %d] next" % numbers.uidnext,
        b"* OK [HIGHESTMODSEQ %d] highest" % numbers.modseq,
    ]
    known = re.search(rb"QRESYNC \(\d+ (\d+)", command.upper())
    return said + _news(numbers, int(known[1])) if known else said


def _news(numbers: Numbers, modseq: int) -> list[bytes]:
    """What changed since, as QRESYNC and CHANGEDSINCE tell it."""
    gone = numbers.vanished_since(modseq)
    vanished = [b"* VANISHED (EARLIER) " + b",".join(b"%d" % uid for uid in gone)] if gone else []
    return vanished + [_item(numbers, uid, b"FLAGS MODSEQ") for uid in numbers.changed_since(modseq)]


def _fetch(numbers: Numbers, command: bytes) -> list[bytes]:
    _uid, _fetch, members, items = command.split(b" ", 3)
    since = re.search(rb"CHANGEDSINCE (\d+)", items.upper())
    if since:
        return _news(numbers, int(since[1]))
    return [_item(numbers, uid, items.upper()) for low, high in _ranges(members) for uid in numbers.present(low, high)]


def _item(numbers: Numbers, uid: int, asked: bytes) -> bytes:
    mail = numbers.bodies.get(uid, _OLD)
    parts = [b"UID %d" % uid, b"FLAGS (%s)" % numbers.flags(uid)]
    if b"MODSEQ" in asked:
        parts.append(b"MODSEQ (%d)" % numbers.modseq_of(uid))
    if b"RFC822.SIZE" in asked:
        parts.append(b"RFC822.SIZE %d" % len(mail.raw))
    if b"INTERNALDATE" in asked:
        parts.append(b'INTERNALDATE "%s"' % mail.received_at.strftime("%d-%b-%Y %H:%M:%S +0000").encode())
    if b"BODY.PEEK[]" in asked:
        parts.append(b"BODY[] {%d}\r\n%s" % (len(mail.raw), mail.raw))
    return b"* %d FETCH (%s)" % (numbers.sequence(uid), b" ".join(parts))


def _search(numbers: Numbers, command: bytes) -> bytes:
    low, high = next(_ranges(command.rpartition(b" ")[2]))
    found = b",".join(b"%d" % uid for uid in numbers.present(low, high))
    return b"* ESEARCH UID" + (b" ALL " + found if found else b"")


def _ranges(members: bytes) -> Iterator[tuple[int, int]]:
    """Of a sequence set."""
    for low, high in _RANGE.findall(members):
        yield int(low), 2**32 if high == b"*" else int(high or low)


_QUESTIONS: dict[bytes, Callable[[Numbers, bytes], list[bytes]]] = {
    b"LIST": _list,
    b"STATUS": lambda numbers, command: [_status(numbers, command)],
    b"SELECT": _examine,
    b"EXAMINE": _examine,
    b"UID FETCH": _fetch,
    b"UID SEARCH": lambda numbers, command: [_search(numbers, command)],
}
_WELCOME: tuple[list[bytes], bytes] = ([], b"OK [CAPABILITY %s] welcome" % _CAPABILITIES)
_ANSWERS: dict[bytes, tuple[list[bytes], bytes]] = {
    b"LOGIN": _WELCOME,
    b"AUTHENTICATE": _WELCOME,
    b"CAPABILITY": ([b"* CAPABILITY " + _CAPABILITIES], b"OK done"),
    b"ID": ([b'* ID ("name" "Numbered")'], b"OK done"),
    b"ENABLE": ([b"* ENABLED QRESYNC CONDSTORE"], b"OK done"),
    b"NOOP": ([], b"OK done"),
    b"CLOSE": ([], b"OK done"),
    b"UNSELECT": ([], b"OK done"),
    b"LOGOUT": ([b"* BYE"], b"OK done"),
}
