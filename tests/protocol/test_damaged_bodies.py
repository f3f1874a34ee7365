"""Bodies that came otherwise than they were sent: what can be known is not believed."""

import contextlib

import pytest

from mail.imap.session import MailSession
from mail.types import ConnectionFailed, Octets
from tests.protocol.scripted import ScriptedServer

_OK = b"%T OK done\r\n"
_ASKED = "UID FETCH %s (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"


def _answer(uid: int, body: bytes, size: int) -> bytes:
    return b"* 1 FETCH (UID %d FLAGS () RFC822.SIZE %d BODY[] {%d}\r\n%s)\r\n" % (uid, size, len(body), body)


def test_a_body_of_another_size_than_announced_is_asked_for_again() -> None:
    script = {
        _ASKED % "1:2": _answer(1, b"hal", 5) + _answer(2, b"other", 5) + _OK,
        _ASKED % "1": _answer(1, b"whole", 5) + _OK,
    }
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        assert {message.uid: message.raw for message in session.bodies([1, 2])} == {1: b"whole", 2: b"other"}
        assert session.failed == frozenset()


def test_a_server_that_is_wrong_about_sizes_is_believed_the_second_time_and_then_at_once() -> None:
    script = {
        "UID FETCH": _answer(1, b"whole", 7) + _answer(2, b"other", 3) + _OK,
    }
    with ScriptedServer(script) as server:
        with MailSession.open(server.login) as session:
            session.select("INBOX")
            for _ in range(2):
                assert {message.uid: message.raw for message in session.bodies([1, 2])} == {1: b"whole", 2: b"other"}
            assert session.failed == {"RFC822.SIZE"}
            assert sum(words.startswith(b"UID FETCH") for words in server.heard) == 3
        server.heard.clear()
        with MailSession.open(server.login, without=frozenset({"RFC822.SIZE"})) as session:
            session.select("INBOX")
            assert len(list(session.bodies([1, 2]))) == 2
            assert sum(words.startswith(b"UID FETCH") for words in server.heard) == 1


def test_a_body_that_is_different_each_time_and_never_of_the_announced_size_is_left_out() -> None:
    script = {
        _ASKED % "1:2": _answer(1, b"hal", 5) + _answer(2, b"other", 5) + _OK,
        _ASKED % "1": _answer(1, b"f", 5) + _OK,
    }
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        assert [message.uid for message in session.bodies([1, 2])] == [2]
        assert session.failed == frozenset()


@pytest.mark.parametrize("longer", range(1, 80))
def test_a_literal_that_swallows_the_next_response_makes_no_mail_of_both(longer: int) -> None:
    """As when a line changed its size: either the stream is known to be out of step, or the size is not as announced."""
    whole = _answer(1, b"whole", 5) + _answer(2, b"other", 5) + _OK
    script = {_ASKED % "1:2": whole.replace(b"{5}", b"{%d}" % (5 + longer), 1), "UID FETCH": _OK}
    came: dict[int, Octets | None] = {}
    with ScriptedServer(script) as server, MailSession.open(server.login, timeout=0.2) as session:
        session.select("INBOX")
        with contextlib.suppress(ConnectionFailed):
            came |= {message.uid: message.raw for message in session.bodies([1, 2])}
        assert came.items() <= {1: b"whole", 2: b"other"}.items()
