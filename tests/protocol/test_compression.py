"""COMPRESS=DEFLATE: on a slow link, once, between two commands, and never again where a server fails at it."""

import pytest

from bench.line import Line
from mail.imap import compression
from mail.imap.session import MailSession
from mail.types import ConnectionFailed, Login, Octets
from tests.mailboxes import Mailbox, MailboxFactory
from tests.protocol.scripted import DROP, STALL, ScriptedServer

_OK = b"%T OK done\r\n"
_BODY = b"Subject: %d\r\n\r\n" + b"All work and no play makes Jack a dull boy.\r\n" * 500
_UIDS = range(1, 61)


@pytest.fixture
def mailbox(mailbox_factory: MailboxFactory) -> Mailbox:
    mailbox = mailbox_factory("qresync")
    with mailbox.client() as client:
        client.multiappend("INBOX", [_BODY % uid for uid in _UIDS])
    return mailbox


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "ENOUGH", 100_000)
    monkeypatch.setattr(compression, "BUSY", float("inf"))


def _read(login: Login) -> tuple[MailSession, dict[int, Octets | None]]:
    came: dict[int, Octets | None] = {}
    with MailSession.open(login) as session:
        session.select("INBOX")
        for start in _UIDS[::10]:
            for message in session.bodies(range(start, start + 10)):
                if message.uid == start:
                    session.order_bodies(range(start + 10, start + 20))
                came[message.uid] = message.raw
        assert session.select("INBOX").exists == len(_UIDS)
    return session, came


def _login(mailbox: Mailbox, port: int) -> Login:
    return Login(mailbox.host, port, "none", mailbox.user, mailbox.password, trusted=True)


def test_a_narrow_line_carries_fewer_octets_and_the_same_mail(mailbox: Mailbox) -> None:
    with Line(mailbox.port, rate=1_000_000) as line:
        session, came = _read(_login(mailbox, line.port))
    assert came == {uid: _BODY % uid for uid in _UIDS}
    assert session.failed == frozenset()
    assert line.octets < 0.7 * sum(len(raw or b"") for raw in came.values())


def test_a_wide_line_is_left_alone(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "SLOW", 0)
    with Line(mailbox.port, rate=1e9) as line:
        _session, came = _read(_login(mailbox, line.port))
    assert line.octets > sum(len(raw or b"") for raw in came.values())


def test_a_process_that_has_too_much_to_do_is_not_given_more(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "BUSY", 0)
    with Line(mailbox.port, rate=5_000_000) as line:
        _session, came = _read(_login(mailbox, line.port))
    assert line.octets > sum(len(raw or b"") for raw in came.values())


def test_over_tls_too(mailbox: Mailbox) -> None:
    with Line(mailbox.server.tls_port, rate=1_000_000) as line:
        login = Login(mailbox.host, line.port, "tls", mailbox.user, mailbox.password, trusted=True)
        _session, came = _read(login)
    assert came == {uid: _BODY % uid for uid in _UIDS}
    assert line.octets < 0.7 * sum(len(raw or b"") for raw in came.values())


def _slow(answer: bytes, monkeypatch: pytest.MonkeyPatch) -> ScriptedServer:
    """A server that offers it, and answers so; every line is slow."""
    monkeypatch.setattr(compression, "ENOUGH", 1)
    monkeypatch.setattr(compression, "SLOW", 1e12)
    fetched = b"* 1 FETCH (UID %d FLAGS () RFC822.SIZE 4 BODY[] {4}\r\nmail)\r\n"
    script = {
        "CAPABILITY": b"* CAPABILITY IMAP4rev1 COMPRESS=DEFLATE\r\n" + _OK,
        "UID FETCH 1": fetched % 1 + _OK,
        "UID FETCH 2": fetched % 2 + _OK,
        "COMPRESS": answer,
    }
    return ScriptedServer(script)


@pytest.mark.parametrize("refusal", [b"%T NO not now\r\n", b"%T BAD what?\r\n"])
def test_a_server_that_offers_and_refuses_it_is_not_asked_again(
    refusal: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _slow(refusal, monkeypatch) as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        for uid in (1, 2, 1):
            assert [message.uid for message in session.bodies([uid])] == [uid]
        assert server.heard.count(b"COMPRESS DEFLATE") == 1
        assert session.failed == {"COMPRESS=DEFLATE"}


@pytest.mark.parametrize("answer", [_OK, _OK + b"* OK still in the clear\r\n", _OK + DROP, _OK + STALL])
def test_a_server_that_says_yes_and_does_not_do_it_is_remembered(
    answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with _slow(answer, monkeypatch) as server, MailSession.open(server.login, timeout=0.5) as session:
        session.select("INBOX")
        list(session.bodies([1]))
        with pytest.raises(ConnectionFailed):
            list(session.bodies([2]))
        assert session.failed == {"COMPRESS=DEFLATE"}


def test_a_server_that_is_known_to_fail_at_it_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        _slow(_OK + DROP, monkeypatch) as server,
        MailSession.open(server.login, without=frozenset({"COMPRESS=DEFLATE"})) as session,
    ):
        session.select("INBOX")
        for uid in (1, 2, 1):
            assert [message.uid for message in session.bodies([uid])] == [uid]
        assert b"COMPRESS DEFLATE" not in server.heard


def test_it_waits_until_nothing_is_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    with _slow(b"%T NO\r\n", monkeypatch) as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        session.order_bodies([1])
        session.order_bodies([2])
        assert len(list(session.bodies([1]))) == 1
        assert len(list(session.bodies([2]))) == 1
        assert b"COMPRESS DEFLATE" not in server.heard, "the second one was under way"
        session.order_bodies([1])
        assert len(list(session.bodies([1]))) == 1
        assert [words.split()[0] for words in server.heard[-2:]] == [b"COMPRESS", b"UID"]
