"""Bytes of a server in, responses out; however the network cuts them."""

import contextlib
import io
import mmap
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.imap import reader
from mail.imap.fetching import items_of
from mail.imap.reader import ConnectionEnded, Data, FetchData, ProtocolBroken, ResponseReader, Status


class _Trickle(io.RawIOBase):
    """A connection that delivers one octet at a time."""

    def __init__(self, octets: bytes) -> None:
        self._octets = iter(octets)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview[int]") -> int:  # type: ignore[override]  # narrower than io's
        for octet in self._octets:
            buffer[0] = octet
            return 1
        return 0


def _read(octets: bytes) -> list[Data | Status]:
    return list(_responses(ResponseReader(io.BufferedReader(_Trickle(octets)))))


def _responses(responses: ResponseReader) -> Iterator[Data | Status]:
    while True:
        try:
            yield responses.next()
        except ConnectionEnded:
            return


def _items(octets: bytes) -> list[reader.Token]:
    (response,) = _read(octets)
    assert isinstance(response, Data)
    return response.items


def test_atoms_strings_literals_and_lists_become_tokens() -> None:
    assert _items(b'* X atom "quoted text" {3}\r\na\r\n NIL (1 (2 ()) "") "\\"a\\\\b"\r\n') == [
        b"atom",
        b"quoted text",
        b"a\r\n",
        None,
        [b"1", [b"2", []], b""],
        b'"a\\b',
    ]


def test_a_fetch_has_its_number_and_its_items() -> None:
    (response,) = _read(b"* 23 fetch (UID 7 FLAGS (\\Seen $Label1) BODY[] {5}\r\nab\r\nc)\r\n")
    assert response == Data(b"FETCH", 23, [[b"UID", b"7", b"FLAGS", [b"\\Seen", b"$Label1"], b"BODY[]", b"ab\r\nc"]])


def test_a_body_may_hold_what_looks_like_a_response() -> None:
    body = b')\r\n* BYE\r\nF1 OK "{9}\r\n'
    assert _items(b"* 1 FETCH (BODY.X {%d}\r\n%s UID 4)\r\n" % (len(body), body)) == [[b"BODY.X", body, b"UID", b"4"]]
    assert _read(b"* 1 FETCH (BODY[] {%d}\r\n%s UID 4)\r\n" % (len(body), body)) == [
        FetchData(b"FETCH", named={b"BODY[]": body, b"UID": b"4"})
    ]


def test_an_empty_literal_and_one_after_another() -> None:
    assert _items(b"* LIST () {0}\r\n {1}\r\nx {2+}\r\nyz\r\n") == [[], b"", b"x", b"yz"]


def test_a_binary_literal_is_a_literal() -> None:
    assert _items(b"* 1 FETCH (BINARY[1] ~{2}\r\n\0\xff)\r\n") == [[b"BINARY[1]", b"\0\xff"]]


def test_section_names_keep_their_spaces_and_parentheses() -> None:
    line = b'* 1 FETCH (BODY[HEADER.FIELDS (SUBJECT "FROM")]<0> "x")\r\n'
    assert _items(line) == [[b'BODY[HEADER.FIELDS (SUBJECT "FROM")]<0>', b"x"]]


def test_a_backslash_before_what_needs_none_stays() -> None:
    assert _items(b'* LIST () "/" "a\\b \\"c\\""\r\n') == [[], b"/", b'a\\b "c"']


def test_nil_in_quotes_is_a_word() -> None:
    assert _items(b'* LIST () NIL "NIL"\r\n') == [[], None, b"NIL"]


def test_a_status_response_is_no_data_even_if_its_text_ends_like_a_literal() -> None:
    responses = _read(b'* OK [UIDNEXT 5] Predicted {4}\r\n* NO "half a quote (\r\nF1 BAD what?\r\n* 2 EXISTS\r\n')
    assert responses == [
        Status(b"*", b"OK", b"UIDNEXT", b"5", "Predicted {4}"),
        Status(b"*", b"NO", text='"half a quote ('),
        Status(b"F1", b"BAD", text="what?"),
        Data(b"EXISTS", 2),
    ]


def test_a_code_without_argument_or_text_is_read() -> None:
    assert _read(b"* OK [NOMODSEQ]\r\n* ok [badcharset (UTF-8)] x\r\nF2 OK\r\n") == [
        Status(b"*", b"OK", b"NOMODSEQ"),
        Status(b"*", b"OK", b"BADCHARSET", b"(UTF-8)", "x"),
        Status(b"F2", b"OK"),
    ]


def test_a_go_ahead_is_a_status_without_kind() -> None:
    assert _read(b"+ go on\r\n+\r\n") == [Status(b"+", b"", text="go on"), Status(b"+", b"")]


def test_bare_line_feeds_and_empty_lines_are_endured() -> None:
    assert _read(b"* 1 EXISTS\n\r\n\n* 1 FETCH (BODY[] {1}\nx)\n") == [
        Data(b"EXISTS", 1),
        Data(b"FETCH", 1, [[b"BODY[]", b"x"]]),
    ]


def test_broken_quotes_and_parentheses_do_not_swallow_the_next_response() -> None:
    assert _read(b'* LIST (\\A)) "/ x\r\n* 1 FETCH (UID 4 (FLAGS\r\n* 3 EXISTS\r\n') == [
        Data(b"LIST", 0, [[b"\\A"], b'"/', b"x"]),
        Data(b"FETCH", 1, [[b"UID", b"4", [b"FLAGS"]]]),
        Data(b"EXISTS", 3),
    ]


def test_a_uid_that_is_a_deep_list_is_none() -> None:
    deep = b"(" * 10_000 + b")" * 10_000
    (response,) = _read(b"* 1 FETCH (UID %s BODY[] {1}\r\nx)\r\n" % deep)
    assert items_of(response)[0] == 0


def test_what_is_not_imap_is_quoted_in_the_error() -> None:
    with pytest.raises(ProtocolBroken, match=r"HTTP/1\.1 400"):
        _read(b"HTTP/1.1 400 Bad Request\r\n")


def test_a_literal_of_absurd_size_is_refused_before_it_is_read() -> None:
    with pytest.raises(ProtocolBroken, match="99999999999"):
        _read(b"* 1 FETCH (BODY[] {99999999999}\r\n")


def test_many_literals_count_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_LITERAL", 5)
    assert len(_items(b"* LIST {3}\r\nabc {2}\r\nde\r\n")) == 2
    with pytest.raises(ProtocolBroken, match="3 octets"):
        _read(b"* LIST {3}\r\nabc {3}\r\ndef\r\n")


@pytest.mark.parametrize("shape", [b"(" * 1_000_001, b"()" * 1_000_001])
def test_more_lists_than_memory_has_room_for_are_refused(shape: bytes) -> None:
    """A line of 64 MB would make gigabytes of them."""
    with pytest.raises(ProtocolBroken, match="1,000,000 lists"):
        _read(b"* 1 FETCH (UID 4 X " + shape + b")\r\n")


def test_words_of_a_server_are_cut_and_made_printable() -> None:
    (response,) = _read(b"* NO a\0b\x1b[31m " + b"x" * 5000 + b"\r\n")
    assert isinstance(response, Status)
    assert len(response.text) == 500
    assert response.text.startswith("a\ufffdb\ufffd[31m xxx")


@pytest.mark.parametrize("line", [b"BODY[" * 100_000, b'"\\' * 100_000, b"(" * 100_000, b'"' * 99_999])
def test_a_hostile_line_takes_no_longer_than_its_length(line: bytes) -> None:
    started = time.process_time()
    ResponseReader(io.BytesIO(b"* LIST " + line + b"\r\n")).next()
    assert time.process_time() - started < 5


def test_an_endless_line_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MAX_LINE", 100)
    with pytest.raises(ProtocolBroken, match="100 octets"):
        _read(b"* SEARCH" + b" 1" * 100 + b"\r\n")


_WHOLE = b"* 1 FETCH (UID 3 BODY[] {5}\r\n12345)\r\n"


@pytest.mark.parametrize("cut", range(len(_WHOLE)))
def test_a_connection_that_ends_within_a_response_is_noticed(cut: int) -> None:
    with pytest.raises(ConnectionEnded):
        ResponseReader(io.BytesIO(_WHOLE[:cut])).next()


def test_a_large_literal_lies_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "LARGE_LITERAL", 10)
    body = bytes(range(30))
    for line in (b"* 1 FETCH (UID 1 BODY[] {30}\r\n%s)\r\n", b"* 1 FETCH (BODY[] {30}\r\n%s UID 1 X (Y))\r\n"):
        (response,) = _read(line % body)
        _uid, items = items_of(response)
        large = items[b"BODY[]"]
        assert isinstance(large, mmap.mmap)
        assert large[:] == body
    with pytest.raises(ConnectionEnded):
        ResponseReader(io.BytesIO(b"* 1 FETCH (BODY[] {30}\r\nshort")).next()


def test_a_line_of_many_megabytes_is_read() -> None:
    (response,) = list(_responses(ResponseReader(io.BytesIO(b"* SEARCH" + b" 1234567" * 300_000 + b"\r\n"))))
    assert isinstance(response, Data)
    assert len(response.items) == 300_000


_tokens = st.recursive(
    st.none() | st.binary(max_size=20), lambda inner: st.lists(inner, max_size=4), max_leaves=12
)  # fmt: skip


def _written(token: reader.Token) -> bytes:
    if token is None:
        return b"NIL"
    if isinstance(token, list):
        return b"(" + b" ".join(map(_written, token)) + b")"
    if len(token) % 2 and not set(token) & set(b'\r\n"\\'):
        return b'"' + token + b'"'
    return b"{%d}\r\n%s" % (len(token), token)


@given(st.lists(st.lists(_tokens, max_size=5), max_size=4))
def test_whatever_is_written_is_read_back(responses: list[list[reader.Token]]) -> None:
    octets = b"".join(b"* LIST " + b" ".join(map(_written, items)) + b"\r\n" for items in responses)
    assert _read(octets) == [Data(b"LIST", 0, items) for items in responses]


@given(st.binary(max_size=200))
def test_no_garbage_raises_anything_else(octets: bytes) -> None:
    with contextlib.suppress(ProtocolBroken):
        _read(b"* " + octets)
