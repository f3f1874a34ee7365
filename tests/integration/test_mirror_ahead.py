"""The next batch is on the wire while this one is read: whatever happens to either, the mirror is right."""

from collections.abc import Iterator

import pytest

from mail.mirror import room
from mail.models import Gap
from tests.integration.scripted_inbox import OK, Inbox, attempt, connected_to, holds
from tests.protocol.scripted import DROP, SPOKEN, ScriptedServer

pytestmark = pytest.mark.django_db(transaction=True)

_BODIES = "UID FETCH %d (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"


@pytest.fixture(autouse=True)
def _one_message_a_batch(guarded: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("mail.sync.visit.BATCH_MESSAGES", 1)
    before = room.IN_FLIGHT._free
    yield
    assert room.IN_FLIGHT._free == before, "all room is given back"


def _fetches(server: ScriptedServer) -> list[bytes]:
    return [words.split()[2] for words in server.heard if b"BODY.PEEK[]" in words]


def test_the_next_batch_is_ordered_before_this_one_is_complete() -> None:
    inbox = Inbox()
    script = {_BODIES % uid: inbox.fetched(uid) + SPOKEN + OK for uid in (8, 5)}
    with ScriptedServer(inbox.script(script)) as server:
        account = connected_to(server)
        assert not attempt(account).error
        assert holds(account, inbox)
        assert _fetches(server) == [b"8", b"5", b"3"]


def test_sizes_are_ordered_before_the_last_batch_whose_size_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mail.mirror.hauls.ENTRIES", 2)
    inbox = Inbox({uid: b"Subject: %d\r\n\r\n" % uid for uid in range(1, 8)})
    script = {_BODIES % uid: inbox.fetched(uid) + SPOKEN + OK for uid in range(2, 8)}
    with ScriptedServer(inbox.script(script)) as server:
        account = connected_to(server)
        assert not attempt(account).error
        assert holds(account, inbox)
        asked = [words.split()[2] for words in server.heard if words.startswith(b"UID FETCH")]
        assert asked == [b"6:7", b"4:5", b"7", b"6", b"5", b"2:3", b"4", b"3", b"1", b"2", b"1"], asked


@pytest.mark.parametrize("refusal", [b"%T NO [SERVERBUG] oops\r\n", b"%T BAD what?\r\n"])
def test_a_refusal_of_the_batch_ahead_makes_gaps_of_that_batch_alone(refusal: bytes) -> None:
    inbox = Inbox()
    script = {_BODIES % 8: inbox.fetched(8) + SPOKEN + OK, _BODIES % 5: refusal}
    with ScriptedServer(inbox.script(script)) as server:
        account = connected_to(server)
        assert not attempt(account).error
        assert list(Gap.objects.values_list("uid", flat=True)) == [5]
        server.now(inbox.script())
        assert not attempt(account).error
        assert holds(account, inbox)


def test_a_refusal_of_this_batch_leaves_the_one_ahead_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mail.sync.visit.BATCH_MESSAGES", 2)
    inbox = Inbox({uid: b"Subject: %d\r\n\r\n" % uid for uid in (1, 2, 3, 4)})
    whole = "UID FETCH 3:4 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"
    script = {whole: inbox.fetched(4) + SPOKEN + b"%T NO [SERVERBUG] oops\r\n", _BODIES % 3: inbox.fetched(3) + OK}
    with ScriptedServer(inbox.script(script)) as server:
        account = connected_to(server)
        assert not attempt(account).error
        assert holds(account, inbox)
        assert _fetches(server) == [b"3:4", b"1:2", b"3"]


def test_what_came_with_a_refused_answer_and_belongs_to_the_batch_ahead_is_no_gap() -> None:
    """Dovecot makes one answer of two FETCHes that it finds waiting."""
    inbox = Inbox()
    script = {_BODIES % 8: inbox.fetched(8, 5) + SPOKEN + OK, _BODIES % 5: OK}
    with ScriptedServer(inbox.script(script)) as server:
        account = connected_to(server)
        assert not attempt(account).error
        assert holds(account, inbox)


def test_what_the_batch_ahead_lacks_is_asked_for_once_more() -> None:
    inbox = Inbox()
    with ScriptedServer(inbox.script({_BODIES % 8: inbox.fetched(8) + SPOKEN + OK, _BODIES % 5: OK})) as server:
        account = connected_to(server)
        assert not attempt(account).error
        assert _fetches(server)[:4] == [b"8", b"5", b"5", b"3"]
        assert list(Gap.objects.values_list("uid", flat=True)) == [5]


def test_a_goodbye_between_two_batches_loses_nothing_that_came_before() -> None:
    inbox = Inbox()
    bye = inbox.fetched(8) + SPOKEN + OK + b"* BYE tired\r\n" + DROP
    with ScriptedServer(inbox.script({_BODIES % 8: bye})) as server:
        account = connected_to(server)
        assert "tired" in str(attempt(account).error)
        assert account.folders.get().mirrored_count == 1
        server.now(inbox.script())
        assert not attempt(account).error
        assert holds(account, inbox)


def test_an_expunge_between_two_batches_is_no_gap_for_long() -> None:
    inbox = Inbox()
    script = {_BODIES % 8: inbox.fetched(8) + SPOKEN + b"* 2 EXPUNGE\r\n" + OK, _BODIES % 5: OK}
    with ScriptedServer(inbox.script(script)) as server:
        account = connected_to(server)
        assert not attempt(account).error
        del inbox.mails[5]
        server.now(inbox.script())
        assert not attempt(account).error
        assert holds(account, inbox)
        assert not Gap.objects.exists()


def test_where_there_is_no_room_nothing_is_ordered_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mail.mirror.hauls.IN_FLIGHT", room.Room(1))
    inbox = Inbox()
    with ScriptedServer(inbox.script()) as server:
        account = connected_to(server)
        assert not attempt(account).error
        assert holds(account, inbox)
        assert _fetches(server) == [b"8", b"5", b"3"]
