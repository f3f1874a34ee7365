"""Commands on the wire before the answers to those before them are read: every answer belongs to its own command."""

from collections.abc import Iterator

import pytest

from mail.imap.session import MailSession
from mail.types import ConnectionFailed, Fetched, FolderFailed, Octets
from tests.mailboxes import Mailbox
from tests.protocol.scripted import DROP, SPOKEN, ScriptedServer

_OK = b"%T OK done\r\n"
_ASKED = "UID FETCH %s (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"


def _mail(uid: int, body: bytes = b"") -> bytes:
    octets = body or b"mail %d" % uid
    return b"* 1 FETCH (UID %d FLAGS () RFC822.SIZE %d BODY[] {%d}\r\n%s)\r\n" % (uid, len(octets), len(octets), octets)


def _read(bodies: Iterator[Fetched]) -> dict[int, Octets | None]:
    return {message.uid: message.raw for message in bodies}


def test_the_next_command_is_on_the_wire_before_the_answer_to_the_first_is_complete() -> None:
    script = {_ASKED % "1": _mail(1) + SPOKEN + _OK, _ASKED % "2": _mail(2) + _OK}
    with ScriptedServer(script) as server, MailSession.open(server.login, timeout=5) as session:
        session.select("INBOX")
        session.order_bodies([1])
        session.order_bodies([2])
        assert _read(session.bodies([1])) == {1: b"mail 1"}
        assert _read(session.bodies([2])) == {2: b"mail 2"}
        assert sum(words.startswith(b"UID FETCH") for words in server.heard) == 2


def test_sizes_are_ordered_as_bodies_are() -> None:
    sizes = "UID FETCH %s (UID FLAGS RFC822.SIZE)"
    told = b"* 1 FETCH (UID %d FLAGS () RFC822.SIZE 7)\r\n"
    script = {sizes % "1": told % 1 + SPOKEN + _OK, sizes % "2": told % 2 + SPOKEN + _OK, _ASKED % "1": _mail(1) + _OK}
    with ScriptedServer(script) as server, MailSession.open(server.login, timeout=5) as session:
        session.select("INBOX")
        session.order_entries([1])
        session.order_entries([2])
        assert [entry.uid for entry in session.entries([1])] == [1]
        session.order_bodies([1])
        assert [entry.uid for entry in session.entries([2])] == [2]
        assert _read(session.bodies([1])) == {1: b"mail 1"}
        assert sum(words.startswith(b"UID FETCH") for words in server.heard) == 3


def test_the_refusal_of_a_command_that_went_ahead_is_told_to_who_asks_for_it() -> None:
    script = {_ASKED % "1": _mail(1) + _OK, _ASKED % "2:3": _mail(2) + b"%T NO [SERVERBUG] oops\r\n"}
    came: list[Fetched] = []
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        session.order_bodies([1])
        session.order_bodies([2, 3])
        assert _read(session.bodies([1])) == {1: b"mail 1"}
        with pytest.raises(FolderFailed, match="oops"):
            came.extend(session.bodies([2, 3]))
    assert [message.uid for message in came] == [2], "what came before the refusal"


def test_what_is_asked_in_between_leaves_the_one_ahead_its_answer_and_its_refusal() -> None:
    script = {
        _ASKED % "1": b"%T NO [SERVERBUG] oops\r\n",
        _ASKED % "2": _mail(2) + _OK,
        _ASKED % "3:4": _mail(4) + b"%T NO late\r\n",
        "UID SEARCH": b"* SEARCH 1 2 4\r\n" + _OK,
    }
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        for uids in ([1], [2], [3, 4]):
            session.order_bodies(uids)
        with pytest.raises(FolderFailed, match="oops"):
            _read(session.bodies([1]))
        assert session.uids(1, 4) == [1, 2, 4]
        assert _read(session.bodies([2])) == {2: b"mail 2"}
        came = session.bodies([3, 4])
        assert next(came).uid == 4
        with pytest.raises(FolderFailed, match="late"):
            next(came)
        assert [words.split()[2] for words in server.heard if words.startswith(b"UID FETCH")] == [b"1", b"2", b"3:4"]


def test_one_who_loses_an_extension_half_way_asks_again_in_the_other_way() -> None:
    script = {
        "CAPABILITY": b"* CAPABILITY IMAP4rev1 OBJECTID\r\n" + _OK,
        "UID FETCH 1 (UID FLAGS INTERNALDATE RFC822.SIZE EMAILID": b"%T BAD\r\n",
        "UID FETCH 2 (UID FLAGS INTERNALDATE RFC822.SIZE EMAILID": b"%T BAD\r\n",
        **{_ASKED % uid: _mail(uid) + _OK for uid in (1, 2, 3)},
    }
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        session.order_bodies([1])
        session.order_bodies([2])
        assert _read(session.bodies([1])) == {1: b"mail 1"}
        session.order_bodies([3])
        assert _read(session.bodies([2])) == {2: b"mail 2"}
        assert _read(session.bodies([3])) == {3: b"mail 3"}
        assert session.failed == {"OBJECTID"}


def test_a_doubted_body_is_asked_for_again_though_the_next_are_under_way() -> None:
    doubted = b"* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 6 BODY[] {3}\r\nmai)\r\n"
    script = {_ASKED % "1:2": doubted + _mail(2) + _OK, _ASKED % "3": _mail(3) + _OK, _ASKED % "1": _mail(1) + _OK}
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        session.order_bodies([1, 2])
        session.order_bodies([3])
        assert _read(session.bodies([1, 2])) == {1: b"mail 1", 2: b"mail 2"}
        assert _read(session.bodies([3])) == {3: b"mail 3"}


def test_a_server_that_says_bye_in_between_has_answered_what_came_before() -> None:
    script = {_ASKED % "1": _mail(1) + SPOKEN + _OK + b"* BYE tired\r\n" + DROP}
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        session.order_bodies([1])
        session.order_bodies([2])
        assert _read(session.bodies([1])) == {1: b"mail 1"}
        session.order_bodies([3])  # nobody hears it
        with pytest.raises(ConnectionFailed, match="tired"):
            _read(session.bodies([2]))
        with pytest.raises(ConnectionFailed):
            _read(session.bodies([3]))


@pytest.mark.parametrize("news", [b"* 1 EXPUNGE\r\n", b"* VANISHED 2\r\n", b"* 1 FETCH (UID 2 FLAGS (\\Seen))\r\n"])
def test_what_the_server_tells_unasked_between_two_answers_belongs_to_neither(news: bytes) -> None:
    script = {_ASKED % "1": _mail(1) + SPOKEN + news + _OK + news, _ASKED % "2:3": news + _mail(3) + _OK}
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        session.order_bodies([1])
        session.order_bodies([2, 3])
        assert _read(session.bodies([1])) == {1: b"mail 1"}
        assert _read(session.bodies([2, 3])) == {3: b"mail 3"}


def test_what_was_ordered_of_one_folder_is_no_answer_about_the_next() -> None:
    with (
        ScriptedServer({_ASKED % "1": _mail(1, b"of INBOX") + SPOKEN + _OK, _ASKED % "2": _OK}) as server,
        MailSession.open(server.login) as session,
    ):
        session.select("INBOX")
        session.order_bodies([1])
        session.order_bodies([2])
        assert session.select("Sent").uidnext == 9
        server.now({_ASKED % "1": _mail(1, b"of Sent") + _OK})
        assert _read(session.bodies([1])) == {1: b"of Sent"}


def test_a_renumbering_that_is_told_in_an_answer_that_is_kept_is_heeded_at_once() -> None:
    script = {
        _ASKED % "1": b"%T NO [SERVERBUG] oops\r\n",
        _ASKED % "2": _mail(2) + b"* OK [UIDVALIDITY 6] renumbered\r\n" + _OK,
        "UID SEARCH": b"* SEARCH 1 2\r\n" + _OK,
    }
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        session.order_bodies([1])
        session.order_bodies([2])
        with pytest.raises(FolderFailed, match="oops"):
            _read(session.bodies([1]))
        with pytest.raises(ConnectionFailed, match="renumbered"):
            session.uids(1, 4)


def test_a_session_with_orders_that_nobody_asks_for_leaves_politely() -> None:
    with ScriptedServer({_ASKED % "1": _mail(1) + _OK}) as server:
        with MailSession.open(server.login) as session:
            session.select("INBOX")
            session.order_bodies([1])
        assert server.heard[-1] == b"LOGOUT"


def test_messages_that_come_with_the_answer_before_are_kept_until_they_are_asked_for() -> None:
    script = {_ASKED % "1": _mail(1) + _mail(2) + _OK, _ASKED % "2:3": _mail(3) + _OK}
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        session.order_bodies([1])
        session.order_bodies([2, 3])
        assert _read(session.bodies([1])) == {1: b"mail 1"}
        assert _read(session.bodies([2, 3])) == {2: b"mail 2", 3: b"mail 3"}


def test_a_message_that_is_asked_for_in_between_may_come_with_what_was_ordered() -> None:
    script = {_ASKED % "1": _mail(1) + _mail(2) + _OK, _ASKED % "2": _OK}
    with ScriptedServer(script) as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        session.order_bodies([1])
        assert _read(session.bodies([2])) == {2: b"mail 2"}
        assert _read(session.bodies([1])) == {1: b"mail 1"}


def test_dovecot_may_answer_two_at_once(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        for number in range(30):
            client.append("INBOX", b"Subject: %d\r\n\r\nbody\r\n" % number)
    batches = [list(range(start, start + 5)) for start in range(1, 31, 5)]
    with MailSession.open(mailbox.login) as session:
        session.select("INBOX")
        session.order_bodies(batches[0])
        for batch, following in zip(batches, [*batches[1:], []], strict=True):
            session.order_bodies(following)
            assert sorted(message.uid for message in session.bodies(batch)) == batch
