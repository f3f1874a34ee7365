"""A large message comes in pieces, and is the same as when it comes whole, whatever the server makes of them."""

import contextlib
import hashlib
import mmap
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mail.imap import pieces
from mail.imap.session import MailSession
from mail.types import ConnectionFailed, Fetched, FolderFailed, NoRoom
from tests.memory import files_of_at_most
from tests.protocol.scripted import DROP, ScriptedServer

PIECE = 10
BODY = b"Subject: x\r\n\r\n" + bytes(range(48, 91)) + b"\r\n"
OK = b"%T OK done\r\n"
FACTS = b'UID 7 FLAGS (\\Seen) INTERNALDATE "17-Jul-1996 02:44:25 -0700" RFC822.SIZE %d '

Piece = Callable[[int, bytes], bytes]  # what is said of the piece that begins there, of which body


@pytest.fixture(autouse=True)
def _small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "PIECE", PIECE)


def literal(octets: bytes) -> bytes:
    return b"{%d}\r\n%s" % (len(octets), octets)


def right(at: int, body: bytes) -> bytes:
    return b"BODY[]<%d> %s" % (at, literal(body[at : at + PIECE]))


def script(piece: Piece = right, *, body: bytes = BODY, size: int | None = None, end: bytes = OK) -> dict[str, bytes]:
    """Answers to every command for pieces of UID 7, and to one for all of it."""
    facts = FACTS % (len(body) if size is None else size)
    answers = {
        f"UID FETCH 7 (UID BODY.PEEK[]<{at}.{PIECE}>)": b"* 1 FETCH (UID 7 %s)\r\n%s" % (piece(at, body), end)
        for at in range(PIECE, len(body) + 10 * PIECE)
    }
    first = f"UID FETCH 7 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[]<0.{PIECE}>)"
    whole = "UID FETCH 7 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"
    answers[first] = b"* 1 FETCH (%s%s)\r\n%s" % (facts, piece(0, body), end)
    answers[whole] = b"* 1 FETCH (%sBODY[] %s)\r\n%s" % (facts, literal(body), OK)
    return answers


@contextmanager
def session(answers: Mapping[str, bytes]) -> Iterator[tuple[MailSession, ScriptedServer]]:
    with ScriptedServer(answers) as server, MailSession.open(server.login) as opened:
        opened.select("INBOX")
        yield opened, server


def asked_whole(server: ScriptedServer) -> int:
    return sum(words.endswith(b"BODY.PEEK[])") for words in server.heard)


def assert_is_the_message(message: Fetched, body: bytes = BODY) -> None:
    assert message.raw is not None
    assert message.raw[:] == body
    assert message.digest in {b"", hashlib.sha256(body).digest()}
    assert (message.uid, message.flags, message.received_at.year) == (7, frozenset({"\\Seen"}), 1996)


@pytest.mark.parametrize("size", range(1, 45))
def test_a_message_of_any_size_comes_in_pieces(size: int) -> None:
    body = BODY[:size]
    with session(script(body=body)) as (opened, server):
        (message,) = opened.large(7)
        assert isinstance(message.raw, mmap.mmap)
        assert_is_the_message(message, body)
        assert (message.size, message.digest) == (size, hashlib.sha256(body).digest())
        assert not asked_whole(server)
        assert opened.failed == frozenset()


@pytest.mark.parametrize("size", [1, 20, 50, 55, 61, 65, 75, 80, 300])
def test_a_size_that_was_announced_wrongly_changes_nothing(size: int) -> None:
    """As Exchange does: the message is asked for whole once, and then the server's sizes are believed no more."""
    with session(script(size=size)) as (opened, server):
        for _ in range(2):
            (message,) = opened.large(7)
            assert_is_the_message(message)
        assert opened.failed == ({"RFC822.SIZE"} if size != len(BODY) else frozenset())
        assert asked_whole(server) == 2
        assert isinstance(message.raw, mmap.mmap)


def nothing(_at: int, _body: bytes) -> bytes:
    return b"FLAGS ()"


def cut(at: int, body: bytes, octets: int) -> bytes:
    return b"BODY[]<%d> %s" % (at, literal(body[at : at + octets]))


ODD: dict[str, Piece] = {
    "the whole message each time": lambda _at, body: b"BODY[] " + literal(body),
    "the whole message as if it were the piece": lambda at, body: b"BODY[]<%d> %s" % (at, literal(body)),
    "pieces without their origin": lambda at, body: b"BODY[] " + literal(body[at : at + PIECE]),
    "fewer octets than asked for": lambda at, body: cut(at, body, 4),
    "fewer octets now and then": lambda at, body: cut(at, body, 10 - (at == 30)),
    "more octets than asked for": lambda at, body: cut(at, body, 11),
    "nothing from the third piece on": lambda at, body: cut(at, body, 10 if at < 20 else 0),
    "NIL": lambda at, _body: b"BODY[]<%d> NIL" % at,
    "NIL in the middle": lambda at, body: b"BODY[]<30> NIL" if at == 30 else right(at, body),
    "another piece": lambda at, body: b"BODY[]<%d> %s" % (at + (at == 30), literal(body[at : at + PIECE])),
    "no piece": nothing,
    "no piece in the middle": lambda at, body: nothing(at, body) if at == 30 else right(at, body),
}


@pytest.mark.parametrize("manner", ODD)
def test_a_server_that_sends_other_pieces_than_asked_for_is_asked_for_the_whole(manner: str) -> None:
    with session(script(ODD[manner])) as (opened, server):
        (message,) = opened.large(7)
        assert_is_the_message(message)
        assert opened.failed == {pieces.PARTIAL}
        heard = len(server.heard)
        assert len(list(opened.large(7))) == 1
        assert len(server.heard) == heard + 1, "no piece is asked for any more"


LINE = bytes(range(48, 78))
SPELLED: dict[str, Piece] = {
    "in lower case": lambda at, body: right(at, body).replace(b"BODY", b"body"),
    "as a quoted string": lambda at, body: b'BODY[]<%d> "%s"' % (at, body[at : at + PIECE]),
    "with another that nobody asked for": lambda at, body: right(at, body) + b" " + right(at + 1, body),
    "without origin at the beginning": lambda at, body: right(at, body).replace(b"<0>", b""),
}


@pytest.mark.parametrize("manner", SPELLED)
def test_pieces_are_read_however_they_are_spelled(manner: str) -> None:
    with session(script(SPELLED[manner], body=LINE)) as (opened, server):
        (message,) = opened.large(7)
        assert isinstance(message.raw, mmap.mmap)
        assert_is_the_message(message, LINE)
        assert not asked_whole(server)


def test_pieces_that_come_all_at_once_are_put_in_order() -> None:
    """As Dovecot sends them: before the first of the commands is done."""
    answers = script()
    ahead = [words for words in answers if "<20." in words or "<30." in words]
    early = b"".join(answers[words].removesuffix(OK) for words in reversed(ahead))
    (second,) = [words for words in answers if "<10." in words]
    answers |= {second: early + answers[second]} | dict.fromkeys(ahead, OK)
    with session(answers) as (opened, server):
        (message,) = opened.large(7)
        assert_is_the_message(message)
        assert not asked_whole(server)


@pytest.mark.parametrize("answer", [b"%T NO not in pieces\r\n", b"%T BAD syntax\r\n"])
def test_a_server_that_refuses_pieces_is_asked_for_the_whole_and_that_is_remembered(answer: bytes) -> None:
    refusing = {words: answer if b"<" in words.encode() else said for words, said in script().items()}
    with session(refusing) as (opened, server):
        (message,) = opened.large(7)
        assert_is_the_message(message)
        assert opened.failed == {pieces.PARTIAL}
    with ScriptedServer(script()) as server, MailSession.open(server.login, without=opened.failed) as opened:
        opened.select("INBOX")
        assert len(list(opened.large(7))) == 1
        assert asked_whole(server) == 1
        assert not any(b"<" in words for words in server.heard)


def test_a_refusal_for_the_moment_is_not_held_against_pieces() -> None:
    refusing = {words: b"%T NO [INUSE] not now\r\n" if "<" in words else said for words, said in script().items()}
    with session(refusing) as (opened, _server):
        with pytest.raises(FolderFailed, match="not now"):
            list(opened.large(7))
        assert opened.failed == frozenset()
        assert opened.select("INBOX").uidnext == 9, "the line is in step"


@pytest.mark.parametrize("gone", [OK, b"%T NO [EXPUNGEISSUED] gone\r\n", b"%T NO Some messages are gone\r\n"])
def test_a_message_that_is_expunged_between_two_pieces_does_not_come(gone: bytes) -> None:
    answers = script()
    later = [words for words in answers if "<" not in words or "<30." in words or "<40." in words]
    answers |= dict.fromkeys(later, gone)
    with session(answers) as (opened, _server):
        with contextlib.suppress(FolderFailed):
            assert list(opened.large(7)) == []
        assert opened.failed == frozenset()
        assert opened.select("INBOX").uidnext == 9, "the line is in step"


def test_a_message_that_is_not_there_does_not_come() -> None:
    with session({"UID FETCH": OK}) as (opened, _server):
        assert list(opened.large(7)) == []
        assert opened.failed == frozenset()


@pytest.mark.parametrize("at", [0, 10, 30])
def test_a_line_that_breaks_amid_a_piece_is_an_error(at: int) -> None:
    answers = script()
    (words,) = [each for each in answers if f"<{at}." in each]
    answers[words] = answers[words][:-25] + DROP
    with session(answers) as (opened, _server), pytest.raises(ConnectionFailed):
        list(opened.large(7))


def test_a_folder_that_is_renumbered_between_two_pieces_is_an_error() -> None:
    answers = script()
    (words,) = [each for each in answers if "<30." in each]
    answers[words] = b"* OK [UIDVALIDITY 6] renumbered\r\n" + answers[words]
    with session(answers) as (opened, _server), pytest.raises(ConnectionFailed, match="renumbered"):
        list(opened.large(7))


def test_a_disk_without_room_is_said_in_words_and_the_line_stays_in_step() -> None:
    with session(script()) as (opened, server), files_of_at_most(25):
        with pytest.raises(NoRoom, match="No temporary file can be written: File too large"):
            list(opened.large(7))
        assert not asked_whole(server)
        assert opened.failed == frozenset()
        assert opened.select("INBOX").uidnext == 9


def test_no_file_is_left_open() -> None:
    with session(script()) as (opened, _server):
        before = len(list(Path("/proc/self/fd").iterdir()))
        for message in opened.large(7):
            assert message.raw
        del message
        with files_of_at_most(25), pytest.raises(NoRoom):
            list(opened.large(7))
        assert len(list(Path("/proc/self/fd").iterdir())) == before


@given(st.binary(max_size=70), st.dictionaries(st.sampled_from(range(0, 80, 10)), st.sampled_from(sorted(ODD))))
@settings(deadline=None, max_examples=100)
def test_whatever_comes_instead_of_pieces_the_message_is_what_comes_whole(body: bytes, odd: dict[int, str]) -> None:
    def piece(at: int, body: bytes) -> bytes:
        return ODD[odd[at]](at, body) if at in odd else right(at, body)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(pieces, "PIECE", PIECE)
        with session(script(piece, body=body)) as (opened, _server):
            (message,) = opened.large(7)
            assert_is_the_message(message, body)
