"""One whole session, told in every way in which a server may tell the same: the facts are the same."""

import socket
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from accounts.network import open_socket
from mail.imap import opening
from mail.imap.session import MailSession
from mail.types import ConnectionFailed, Fetched, Login, SyncPoint
from tests.protocol.scripted import ScriptedServer

_SINCE = SyncPoint(uidvalidity=5, highestmodseq=7, uidnext=9)
_BODIES = {3: b"Subject: a\r\n\r\n)\r\n* 2 EXPUNGE\r\n", 5: b"", 8: b"F9 OK {3}\r\n\xff\x01"}
_DONE = b"%T OK done\r\n"
_OFFERED = b"* CAPABILITY IMAP4rev1 ENABLE QRESYNC CONDSTORE ESEARCH OBJECTID LIST-STATUS LIST-EXTENDED\r\n"

# Every answer as a list of responses, without their line ends.
_RESPONSES = {
    "ENABLE": [b"* ENABLED QRESYNC CONDSTORE"],
    "LIST": [
        b'* LIST (\\HasChildren) "/" "INBOX"',
        b'* LIST (\\Noselect) "/" "Entw&APw-rfe"',
        b'* LIST (\\Sent) "/" "Entw&APw-rfe/Sent (old) \\"x\\""',
        b'* STATUS "INBOX" (MESSAGES 3 UNSEEN 2 UIDNEXT 9 UIDVALIDITY 5 HIGHESTMODSEQ 12 MAILBOXID (F1))',
    ],
    "EXAMINE": [
        b"* 3 EXISTS",
        b"* OK [UIDVALIDITY 5] lasting",
        b"* OK [UIDNEXT 9] next",
        b"* OK [HIGHESTMODSEQ 12] highest",
        b"* VANISHED (EARLIER) 4,6:7",
        b"* 2 FETCH (UID 5 FLAGS (\\Seen $Work) MODSEQ (11))",
    ],
    "UID SEARCH": [b'* ESEARCH (TAG "x") UID ALL 3,5,8'],
    "UID FETCH": [
        b'* %d FETCH (UID %d FLAGS (\\Seen $Work) INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE %d'
        b' EMAILID (M%d) THREADID NIL BODY[] {%d}\r\n%s)' % (uid, uid, len(body), uid, len(body), body)
        for uid, body in _BODIES.items()
    ],
    "LOGOUT": [],
}  # fmt: skip


def _script(told: Callable[[bytes], bytes] = lambda response: response + b"\r\n") -> dict[str, bytes]:
    answers = {words: b"".join(map(told, responses)) + _DONE for words, responses in _RESPONSES.items()}
    return answers | {"CAPABILITY": _OFFERED + _DONE}


def _facts(login: Login, bodies: list[Fetched] | None = None) -> list[Any]:
    """All that a session may be asked, in turn."""
    with MailSession.open(login) as session:
        bodies = [] if bodies is None else bodies
        facts = [session.folders(), session.strategy, session.select("INBOX", _SINCE), session.uids(1)]
        facts += [session.flags(1, 8), session.changes(_SINCE), session.entries([3, 5, 8])]
        bodies.extend(session.bodies([3, 5, 8]))
        return [*facts, bodies, session.failed]


@pytest.fixture(scope="module")
def facts() -> list[Any]:
    with ScriptedServer(_script()) as server:
        return _facts(server.login)


def test_the_plain_session_tells_what_the_others_are_held_to(facts: list[Any]) -> None:
    folders, strategy, selected, uids, flags, changes, entries, bodies, failed = facts
    assert [folder.name for folder in folders] == ["INBOX", "Entwürfe", 'Entwürfe/Sent (old) "x"']
    assert (folders[0].messages, folders[0].mailbox_id, folders[2].role) == (3, "F1", "sent")
    assert (strategy, selected.resynced, selected.vanished) == ("qresync", True, {4, 6, 7})
    assert uids == [3, 5, 8]
    assert flags == changes.flags == dict.fromkeys(uids, frozenset({"\\Seen", "$Work"}))
    assert [entry.email_id for entry in entries] == ["M3", "M5", "M8"]
    assert {message.uid: message.raw for message in bodies} == _BODIES
    assert not failed


class _OneOctet(socket.socket):
    """A connection whose every octet comes alone."""

    def recv_into(self, buffer: Any, *_: int) -> int:
        return super().recv_into(memoryview(buffer)[:1])


def test_every_octet_may_come_alone(facts: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def trickling(host: str, port: int, *, timeout: float, trusted: bool) -> socket.socket:
        sock = _OneOctet(fileno=open_socket(host, port, timeout=timeout, trusted=trusted).detach())
        sock.settimeout(timeout)
        return sock

    monkeypatch.setattr(opening, "open_socket", trickling)
    with ScriptedServer(_script()) as server:
        assert _facts(server.login) == facts


def _as_literals(response: bytes) -> bytes:
    """Every quoted string, every name, number, flag and id of a response as a literal."""
    head, _, body = response.partition(b" {")
    words = head.split(b'"')
    for at in range(1, len(words), 2):
        words[at] = b"{%d}\r\n%s" % (len(words[at]), words[at])
    spoken = b"".join(words)
    for word in (b"\\Seen", b"$Work", b"\\Noselect", b"F1", b"M3", b"EARLIER", b" 3,5,8", b"11", b"3 UNSEEN"):
        plain, _, more = word.strip().partition(b" ")
        spoken = spoken.replace(b"(" + plain, b"({%d}\r\n%s" % (len(plain), plain)) if not more else spoken
    return spoken + (b" {" + body if body else b"") + b"\r\n"


def test_every_string_may_be_a_literal(facts: list[Any]) -> None:
    """Names with escapes are left quoted: their literal has none."""
    script = _script(lambda response: response + b"\r\n" if b'\\"' in response else _as_literals(response))
    assert script["LIST"].count(b"}\r\n") > 5
    with ScriptedServer(script) as server:
        assert _facts(server.login) == facts


_NOISE = (
    b"* 1 EXPUNGE\r\n* 2 RECENT\r\n* OK [ALERT] tonight\r\n* NO [OVERQUOTA] nearly\r\n* BAD what\r\n* OK still here\r\n"
    b"* FLAGS (\\Seen)\r\n* OK [PERMANENTFLAGS ()] none\r\n* 7 FETCH (FLAGS (\\Deleted))\r\n* X-NEW {3}\r\nabc (\r\n"
    b"* 8 FETCH (UID 99 FLAGS ())\r\n* 9 FETCH (MODSEQ (9))\r\n* CAPABILITY IMAP4rev1\r\n+ idling\r\n\r\n"
)


@pytest.mark.parametrize("noise", [*_NOISE.splitlines(keepends=True)[:9], _NOISE])
def test_anything_may_come_between_any_two_responses(facts: list[Any], noise: bytes) -> None:
    script = _script(lambda response: noise + response + b"\r\n" + noise)
    with ScriptedServer(script) as server:
        told = _facts(server.login)
    told[2] = replace(told[2], flags={uid: flags for uid, flags in told[2].flags.items() if uid != 99})
    told[5] = replace(told[5], flags={uid: flags for uid, flags in told[5].flags.items() if uid != 99})
    assert told == facts


@pytest.mark.parametrize(
    "spoken",
    [
        lambda response: response + b" \r\n",
        lambda response: response + b"\n",
        lambda response: response + b"\r\n\r\n",
        lambda response: (
            (b"%s" % response).replace(b"FETCH (UID", b"fetch (uid").replace(b"SEARCH", b"search") + b"\r\n"
        ),
        lambda response: response.replace(b"* LIST", b"* list").replace(b"UIDNEXT", b"uidnext") + b"\r\n",
        lambda response: response + b"\r\n" + (response + b"\r\n" if b"EXISTS" not in response else b""),
    ],
    ids=["blank", "line feed", "empty line", "small letters", "small names", "twice"],
)
def test_a_server_may_be_careless(facts: list[Any], spoken: Callable[[bytes], bytes]) -> None:
    with ScriptedServer(_script(spoken)) as server:
        assert _facts(server.login) == facts


class _Recording(socket.socket):
    """A connection that keeps what the server said."""

    heard: bytearray

    def recv_into(self, *args: Any) -> int:
        count = super().recv_into(*args)
        self.heard += memoryview(args[0])[:count]
        return count


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> bytes:
    """All that a server says in the session, with the tags that each session will use."""
    monkeypatch.setattr("imaplib.random.randint", lambda _low, _high: 4096)
    heard = bytearray()

    def recording(host: str, port: int, *, timeout: float, trusted: bool) -> socket.socket:
        sock = _Recording(fileno=open_socket(host, port, timeout=timeout, trusted=trusted).detach())
        sock.settimeout(timeout)
        sock.heard = heard
        return sock

    with ScriptedServer(_script()) as server, monkeypatch.context() as patch:
        patch.setattr(opening, "open_socket", recording)
        _facts(server.login)
    return bytes(heard)


def _replays(octets: bytes) -> Callable[..., socket.socket]:
    """A server that says so much, whatever it hears, and then no more. It fits into the socket's buffer."""

    def connect(*_: Any, **__: Any) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.sendall(octets)
            theirs.shutdown(socket.SHUT_WR)
            kept = theirs.dup()  # hears what the client says
        ours.settimeout(30)
        weakref.finalize(ours, kept.close)
        return ours

    return connect


def test_the_line_may_break_after_any_octet(recorded: bytes, facts: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a lost connection and never anything else, and what came is whole."""
    login = Login("127.0.0.1", 1, "none", "alice", "secret", trusted=True)
    for octets in range(recorded.rindex(b"F")):  # the tag of the answer to LOGOUT
        monkeypatch.setattr(opening, "open_socket", _replays(recorded[:octets]))
        bodies: list[Fetched] = []
        with pytest.raises(ConnectionFailed):
            _facts(login, bodies)
        assert all(message.raw == _BODIES[message.uid] for message in bodies)
    monkeypatch.setattr(opening, "open_socket", _replays(recorded))
    assert _facts(login) == facts
