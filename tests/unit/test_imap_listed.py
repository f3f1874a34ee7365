"""The fast way through LIST and STATUS responses and the general one give the same tokens."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.imap import listed
from mail.imap.reader import Data, ResponseReader, Status

_WORDS = st.sampled_from(
    [
        *(
            b"* LIST (",
            b"* STATUS ",
            b"* list (",
            b") ",
            b"(",
            b")",
            b" ",
            b'"',
            b"\\",
            b"\r\n",
            b"\\HasNoChildren",
            b"\\Sent",
        ),
        *(
            b"NIL",
            b"nil",
            b"Nil",
            b'"/"',
            b'"."',
            b'""',
            b'"\\\\"',
            b"INBOX",
            b'"Sent Mail"',
            b"a/b",
            b"{1}\r\n",
            b"\xe9",
            b"BODY[]",
        ),
        *(
            b"MESSAGES 3",
            b"UIDNEXT 44",
            b"HIGHESTMODSEQ 9",
            b"MAILBOXID (F1)",
            b"X",
            b"99999999999999999999",
            b"[",
            b"~{1}",
        ),
    ]
)
_LISTS = st.builds(
    lambda attributes, delimiter, name: b"* LIST (%s) %s %s\r\n" % (b" ".join(attributes), delimiter, name),
    st.lists(_WORDS, max_size=3),
    _WORDS,
    _WORDS,
)
_STATUSES = st.builds(
    lambda name, counts: b"* STATUS %s (%s)\r\n" % (name, b" ".join(counts)), _WORDS, st.lists(_WORDS, max_size=4)
)


def _general(octets: bytes) -> Data | Status:
    reader = ResponseReader(io.BytesIO(octets))
    return reader._general(reader._line())


@given(st.one_of(_LISTS, _STATUSES, st.lists(_WORDS, max_size=8).map(lambda words: b"".join(words) + b"\r\n")))
def test_both_ways_give_the_same_tokens(line: bytes) -> None:
    told = listed.tokens(line)
    if told is not None:
        assert _general(line) == Data(told[0], 0, told[1])


@pytest.mark.parametrize(
    "line",
    [
        b'* LIST (\\HasNoChildren \\Sent) "." "Sent Mail"\r\n',
        b'* LIST () "/" INBOX\r\n',
        b'* LIST (\\Noselect) NIL "[Gmail]"\r\n',
        b'* STATUS "a b" (MESSAGES 3 UNSEEN 0 UIDNEXT 4 UIDVALIDITY 1700000000 HIGHESTMODSEQ 12)\r\n',
        b"* STATUS INBOX (MESSAGES 3)\r\n",
    ],
)
def test_what_servers_write_goes_the_fast_way(line: bytes) -> None:
    told = listed.tokens(line)
    assert told is not None
    assert ResponseReader(io.BytesIO(line)).next() == _general(line) == Data(told[0], 0, told[1])


@pytest.mark.parametrize(
    "line",
    [
        b'* LIST () "\\\\" INBOX\r\n',
        b'* LIST () "/" NIL\r\n',
        b'* LIST () "/" {5}\r\n',
        b"* STATUS INBOX (MESSAGES 3 )\r\n",
        b"* STATUS INBOX (MAILBOXID (F1))\r\n",
        b"* STATUS INBOX (MESSAGES 3",
    ],
)
def test_what_needs_thought_goes_the_general_way(line: bytes) -> None:
    assert listed.tokens(line) is None
