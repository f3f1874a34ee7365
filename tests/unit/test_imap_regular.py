"""The fast way through a FETCH response and the general one give the same facts, and imapclient's parser agrees."""

import io
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.imap import fetching
from mail.imap.reader import ConnectionEnded, Data, FetchData, ProtocolBroken, ResponseReader, Status
from tests.fetch_answers import DOVECOT, EXCHANGE, GMAIL, disagreement, read_all


def _fast(octets: bytes) -> Data | Status:
    return ResponseReader(io.BytesIO(octets)).next()


def _general(octets: bytes) -> Data | Status:
    reader = ResponseReader(io.BytesIO(octets))
    return reader._general(reader._line())


@pytest.mark.parametrize("octets", [DOVECOT, GMAIL, EXCHANGE], ids=["dovecot", "gmail", "exchange"])
def test_what_large_servers_write_goes_the_fast_way(octets: bytes) -> None:
    response = _fast(octets)
    assert isinstance(response, FetchData)
    uid, items = fetching.items_of(response)
    message = fetching.fetched(uid, items, complete=True)
    assert message is not None
    assert (message.uid, message.raw, message.size, message.flags) == (
        12,
        b"a)\r\n\r\n",
        6,
        frozenset({"\\Seen", "$Work"}),
    )
    assert message.received_at.astimezone(UTC) == datetime(1996, 7, 17, 9, 44, 25, tzinfo=UTC)


@pytest.mark.parametrize(
    "octets",
    [
        b"* 7 FETCH (UID 12 BODY[] {3}\r\nabc FLAGS (odd{1}) )\r\n",
        b"* 7 FETCH (UID 12 BODY[] {3}\r\nabc X-NEW {2}\r\nxy RFC822.SIZE 3)\r\n",
        b'* 7 FETCH (UID 12 BODY[] {3}\r\nabc X-NEW "other")\r\n',
    ],
)
def test_a_line_behind_the_literal_that_is_not_regular_is_read_the_general_way(octets: bytes) -> None:
    response = _fast(octets)
    assert type(response) is Data
    assert response == _general(octets)


@pytest.mark.parametrize("surplus", range(-5, 60))
def test_a_literal_of_another_size_than_it_says_is_noticed_or_leaves_a_body_of_that_size(surplus: int) -> None:
    """What the line does to {6} must not make a mail of two halves that is believed."""
    second = DOVECOT.replace(b"UID 12", b"UID 13")
    reader = ResponseReader(io.BytesIO((DOVECOT + second).replace(b"[] {6}", b"[] {%d}" % (6 + surplus), 1)))
    try:
        uid, items = fetching.items_of(reader.next())
        message = fetching.fetched(uid, items, complete=True)
    except (ProtocolBroken, ConnectionEnded):
        assert surplus
        return
    assert message is not None
    assert (len(message.raw or b"") == message.size) == (surplus == 0)


@pytest.mark.parametrize("items", [b"UID 4 UID 12 BODY[] {1}\r\nx", b"BODY[] {1}\r\nx UID 4 UID 12"])
def test_a_body_of_two_messages_is_none_by_either_way(items: bytes) -> None:
    for read in (_fast, _general):
        with pytest.raises(ProtocolBroken):
            read(b"* 7 FETCH (" + items + b")\r\n")


def test_the_response_after_an_irregular_one_is_in_step() -> None:
    reader = ResponseReader(io.BytesIO(b"* 7 FETCH (UID 1 BODY[] {3}\r\nabc X {1}\r\ny)\r\n" + DOVECOT))
    assert [fetching.items_of(reader.next())[0] for _ in range(2)] == [1, 12]


def test_a_long_line_of_regular_items_is_not_a_matter_of_recursion_or_memory() -> None:
    items = fetching.items_of(_fast(b"* 1 FETCH (" + b"UID 1 " * 500_000 + b"FLAGS (" + b"x " * 500_000 + b"))\r\n"))[1]
    assert items[b"UID"] == b"1"
    assert len(fetching.flags(items)) == 1


_words = st.sampled_from(
    [b"\\Seen", b"\\recent", b"$Junk", b"NonJunk", b"NIL", b"nil", b"5", b"a]b", b"{x", b"\xc3\xa4"]
)
_flags = st.lists(_words, max_size=4).map(lambda words: b"FLAGS (" + b" ".join(words) + b")")
_dates = st.sampled_from(
    [b'"17-Jul-1996 02:44:25 -0700"', b'" 1-Feb-2026 00:00:00 +0530"', b"NIL", b'"soon"', b'"a\\"b"']
)
_ids = st.sampled_from([b"(M1)", b"NIL", b"(NIL)", b"(nil)", b'("a b")', b"M1", b"()", b"({2}\r\nM1)"])
_numbers = st.sampled_from(
    [b"0", b"7", b"007", b"4294967295", b"9" * 20, b"9" * 30, b"NIL", b'"7"', b"(7)", b"-1", b"x"]
)
_octets = st.binary(max_size=30) | st.sampled_from([b")\r\n", b"{3}\r\n", b"* BYE\r\n"])
_strings = (
    _octets.map(lambda octets: b"{%d}\r\n%s" % (len(octets), octets))
    | st.sampled_from([b"NIL", b'""', b'"quoted ) text"', b"{0}\r\n", b"atom"])
)  # fmt: skip
_items = st.one_of(
    _numbers.map(b"UID %s".__mod__),
    _numbers.map(b"RFC822.SIZE %s".__mod__),
    _numbers.map(b"X-GM-MSGID %s".__mod__),
    _numbers.map(b"MODSEQ (%s)".__mod__),
    _flags,
    _dates.map(b"INTERNALDATE %s".__mod__),
    _ids.map(b"EMAILID %s".__mod__),
    _ids.map(b"THREADID %s".__mod__),
    _strings.map(b"BODY[] %s".__mod__),
    _strings.map(b"BODY[HEADER] %s".__mod__),
    _strings.map(b"x-other %s".__mod__),
    st.sampled_from([b"uid 3", b"FLAGS NIL", b"BODY[]<0> {1}\r\nx", b"BODY[HEADER.FIELDS (A B)] NIL", b"ODD"]),
)
_usual = {
    b"UID": st.integers(1, 2**32 - 1).map(b"UID %d".__mod__),
    b"SIZE": st.integers(0, 2**40).map(b"RFC822.SIZE %d".__mod__),
    b"DATE": _dates.map(b"INTERNALDATE %s".__mod__),
    b"FLAGS": _flags,
    b"EMAILID": _ids.map(b"EMAILID %s".__mod__),
    b"BODY": _octets.map(lambda octets: b"BODY[] {%d}\r\n%s" % (len(octets), octets)),
}
_regular = st.fixed_dictionaries(_usual).flatmap(lambda items: st.permutations(list(items.values())))
_answers = _regular | st.lists(_items, max_size=7)
_endings = st.sampled_from([b")\r\n"] * 8 + [b" )\r\n", b")\n", b"\r\n", b"))\r\n", b") \r\n"])


def _all(octets: bytes, *, general: bool) -> list[object]:
    return read_all(io.BytesIO(octets), general=general)


@given(st.lists(st.tuples(_answers, _endings), min_size=1, max_size=4))
def test_both_ways_give_the_same(answers: list[tuple[Sequence[bytes], bytes]]) -> None:
    octets = b"".join(b"* 3 FETCH (" + b" ".join(items) + end for items, end in answers)
    assert _all(octets, general=False) == _all(octets, general=True)


@given(_answers, st.integers(0, 300))
def test_both_ways_end_alike_where_the_connection_does(items: Sequence[bytes], cut: int) -> None:
    octets = (b"* 3 FETCH (" + b" ".join(items) + b")\r\n")[:cut]
    assert _all(octets, general=False) == _all(octets, general=True)


@given(_answers)
def test_imapclient_reads_the_same_where_it_reads_anything(items: Sequence[bytes]) -> None:
    try:
        assert not disagreement(b"* 3 FETCH (" + b" ".join(items) + b")\r\n")
    except ProtocolBroken:  # here we are stricter: no message has two UIDs, or a section twice
        names = [item.partition(b" ")[0].upper() for item in items]
        assert len(names) > len(set(names))


def test_an_item_with_a_name_of_imapclients_own_is_no_difference() -> None:
    assert not disagreement(b"* 7 FETCH (UID 12 FLAGS () SEQ (7))\r\n")
