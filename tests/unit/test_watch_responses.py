"""What a listener reads of a server: bytes in, values out, whatever is sent and however it is cut."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as some

from mail.watch.hearing import Hearing
from mail.watch.responses import MOST, NotImap, Response, Responses

SESSION = (
    b"* OK [CAPABILITY IMAP4rev1 IDLE NOTIFY] ready {3}\r\n"
    b"+ idling\r\n"
    b"* 23 EXISTS\r\n"
    b'* LIST (\\HasNoChildren) "/" {7}\r\nNew\r\n{1} ("OLDNAME" ({3}\r\nOld))\r\n'
    b"\r\n"
    b"* STATUS Kept (MESSAGES 6 HIGHESTMODSEQ 7)\r\n"
    b"w3 NO [AUTHENTICATIONFAILED] no\n"
)


def read(*pieces: bytes) -> list[Response]:
    responses, found = Responses(), []
    for piece in pieces:
        responses.feed(piece)
        while response := responses.take():
            found.append(response)
    return found


def test_responses_are_read_with_their_codes_and_literals() -> None:
    greeting, go_on, exists, listed, status, refusal = read(SESSION)
    assert (greeting.kind, greeting.code, greeting.argument) == (b"OK", b"CAPABILITY", b"IMAP4rev1 IDLE NOTIFY")
    assert (go_on.tag, go_on.kind, go_on.text) == (b"+", b"", b"idling")
    assert (exists.kind, exists.number) == (b"EXISTS", 23)
    assert listed.kind == b"LIST"
    assert status.text == b"Kept (MESSAGES 6 HIGHESTMODSEQ 7)"
    assert (refusal.tag, refusal.kind, refusal.code, refusal.text) == (b"w3", b"NO", b"AUTHENTICATIONFAILED", b"no")


@given(some.lists(some.integers(0, len(SESSION)), max_size=12))
def test_how_the_octets_are_cut_makes_no_difference(cuts: list[int]) -> None:
    ends = [0, *sorted(cuts), len(SESSION)]
    assert read(*(SESSION[a:b] for a, b in itertools.pairwise(ends))) == read(SESSION)


@given(some.binary(max_size=300))
def test_anything_is_read_or_called_no_imap(octets: bytes) -> None:
    responses = Responses()
    responses.feed(octets)
    try:
        while responses.take():
            pass
    except NotImap:
        return
    assert len(responses) <= len(octets)


@pytest.mark.parametrize(
    "sent",
    [
        b"x" * (MOST + 1),
        b"* LIST () {99999999}\r\n",
        b"* LIST () {9}\r\n123456789" * 1 + b" {65530}\r\n" + b"y" * 10,
        b"HTTP/1.1\r\n",
        b"* 5\r\n",
        b"\0\0\0\r\n",
    ],
)
def test_what_is_too_long_or_no_response_is_refused(sent: bytes) -> None:
    with pytest.raises(NotImap):
        read(sent)


def test_what_changes_the_mailbox_is_a_hint_and_small_talk_is_not() -> None:
    def told(sent: bytes) -> list[bytes]:
        hearing = Hearing()
        return [each.kind for each in read(sent) if hearing.tells(each)]

    assert told(b"* OK Still here\r\n+ idling\r\n* 3 RECENT\r\n* FLAGS ()\r\n* CAPABILITY IDLE\r\nw1 OK done\r\n") == []
    assert told(b"* 3 EXISTS\r\n* 3 EXISTS\r\n* 4 EXISTS\r\n") == [b"EXISTS", b"EXISTS"]
    assert told(b"* 3 EXISTS\r\n* 1 EXPUNGE\r\n* 3 EXISTS\r\n") == [b"EXISTS", b"EXPUNGE", b"EXISTS"]
    kinds = [b"FETCH", b"VANISHED", b"STATUS", b"LIST"]
    assert told(b"* 1 FETCH (FLAGS ())\r\n* VANISHED 5\r\n* STATUS a (UNSEEN 1)\r\n* LIST () NIL a\r\n") == kinds
