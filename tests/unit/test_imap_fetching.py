"""FETCH, SELECT and SEARCH responses in, facts out."""

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest

from mail.imap import fetching, searching, selecting
from mail.imap.fetching import UNKNOWN_DATE
from mail.imap.reader import ConnectionEnded, Data, ResponseReader, Status
from mail.types import Changes, Entry, Fetched, Selected, SyncPoint


def _responses(*lines: bytes) -> Iterator[Data | Status]:
    responses = ResponseReader(io.BytesIO(b"".join(line + b"\r\n" for line in lines)))
    while True:
        try:
            yield responses.next()
        except ConnectionEnded:
            return


def _fetched(line: bytes, *, complete: bool = True) -> Fetched | None:
    (response,) = _responses(line)
    uid, items = fetching.items_of(response)
    return fetching.fetched(uid, items, complete=complete)


def test_a_message_is_read_whatever_the_order_of_its_items() -> None:
    expected = Fetched(
        uid=7,
        flags=frozenset({"\\Seen", "$Forwarded"}),
        received_at=datetime(1996, 7, 17, 2, 44, 25, tzinfo=timezone(-timedelta(hours=7))),
        size=5,
        raw=b"a\r\n\r\nb",
        email_id="M1",
        thread_id="T2",
    )
    items = [
        b"UID 7",
        b"FLAGS (\\Seen \\Recent $Forwarded)",
        b'INTERNALDATE "17-Jul-1996 02:44:25 -0700"',
        b"RFC822.SIZE 5",
        b"EMAILID (M1)",
        b"THREADID (T2)",
        b"BODY[] {6}\r\na\r\n\r\nb",
    ]
    for turn in range(len(items)):
        assert _fetched(b"* 1 FETCH (%s)" % b" ".join(items[turn:] + items[:turn])) == expected


def test_gmails_ids_stand_without_parentheses() -> None:
    message = _fetched(b"* 1 FETCH (UID 7 X-GM-MSGID 1278455344230334865 X-GM-THRID 126 BODY[] NIL)")
    assert message is not None
    assert (message.email_id, message.thread_id) == ("1278455344230334865", "126")


@pytest.mark.parametrize("body", [b"BODY[] NIL", b"RFC822.SIZE 5", b"INTERNALDATE NIL"])
def test_an_answer_without_body_has_no_raw(body: bytes) -> None:
    message = _fetched(b"* 1 FETCH (UID 7 %s)" % body)
    assert message is not None
    assert message.raw is None


def test_an_empty_body_is_a_body() -> None:
    message = _fetched(b'* 1 FETCH (UID 7 BODY[] "")')
    assert message is not None
    assert message.raw == b""


@pytest.mark.parametrize("sent", [b"9" * 5000, b"99999999999999999999", b"-1", b"x"])
def test_numbers_beyond_all_bounds_are_none(sent: bytes) -> None:
    (response,) = _responses(b"* 1 FETCH (UID 7 RFC822.SIZE " + sent + b")")
    assert fetching.entry(*fetching.items_of(response)).size == 0
    assert searching.uids(_responses(b"* SEARCH " + sent), 1, None) == []
    assert selecting.selected(_responses(b"* OK [UIDNEXT " + sent + b"]"), None).uidnext == 0


def test_an_id_that_is_none_is_left_out() -> None:
    (response,) = _responses(b'* 1 FETCH (UID 7 RFC822.SIZE 1 EMAILID ("a b") THREADID ({1}\r\n\0))')
    assert fetching.entry(*fetching.items_of(response)) == Entry(uid=7, size=1)


def test_missing_items_are_endured() -> None:
    assert _fetched(b'* 1 FETCH (BODY[HEADER] "A: b" UID 7)', complete=False) == Fetched(
        7, frozenset(), UNKNOWN_DATE, 4, b"A: b", complete=False
    )


def test_flags_that_the_server_volunteers_are_no_message() -> None:
    assert _fetched(b"* 1 FETCH (UID 7 FLAGS (\\Seen) MODSEQ (12))") is None


@pytest.mark.parametrize(
    "line", [b"* 1 FETCH (FLAGS ())", b"* 1 FETCH NIL", b"* 1 FETCH", b"* 3 EXISTS", b"* OK hi", b"* 1 FETCH (UID x)"]
)
def test_what_names_no_uid_is_no_answer(line: bytes) -> None:
    (response,) = _responses(line)
    assert fetching.items_of(response)[0] == 0


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b" 1-Feb-2026 00:00:00 +0530", datetime(2026, 1, 31, 18, 30, tzinfo=UTC)),
        (b"01-FEB-2026 23:59:60 +0000", datetime(2026, 2, 1, 23, 59, 59, tzinfo=UTC)),
        (b"31-Feb-2026 00:00:00 +0000", UNKNOWN_DATE),
        (b"01-Foo-2026 00:00:00 +0000", UNKNOWN_DATE),
        (b"01-Feb-2026", UNKNOWN_DATE),
        (b"01-Feb-2026 00:00:00 +9999", UNKNOWN_DATE),
        (None, UNKNOWN_DATE),
    ],
)
def test_dates_are_read_and_nonsense_gets_the_unknown_one(sent: bytes | None, expected: datetime) -> None:
    assert fetching.received(sent) == expected


def test_an_entry_has_size_flags_and_ids() -> None:
    (response,) = _responses(b"* 1 FETCH (UID 7 RFC822.SIZE 12 FLAGS (\\Draft) EMAILID (M1) THREADID NIL)")
    assert fetching.entry(*fetching.items_of(response)) == Entry(
        uid=7, size=12, flags=frozenset({"\\Draft"}), email_id="M1"
    )


_SINCE = SyncPoint(uidvalidity=5, highestmodseq=10, uidnext=100)


def test_a_selection_without_qresync_tells_the_state() -> None:
    responses = _responses(
        b"* 3 EXISTS", b"* FLAGS (\\Seen)", b"* OK [UIDVALIDITY 5] x", b"* OK [UIDNEXT 9]", b"* OK [NOMODSEQ] none"
    )
    assert selecting.selected(responses, None) == Selected(uidvalidity=5, uidnext=9, exists=3)


def test_qresync_brings_flags_and_vanished_uids() -> None:
    responses = _responses(
        b"* 99 EXISTS",
        b"* OK [CLOSED] the one before",
        b"* 3 EXISTS",
        b"* OK [UIDVALIDITY 5]",
        b"* OK [UIDNEXT 101]",
        b"* OK [HIGHESTMODSEQ 20]",
        b"* VANISHED (EARLIER) 41,43:45,150",
        b"* 2 FETCH (UID 50 FLAGS (\\Seen) MODSEQ (19))",
    )
    assert selecting.selected(responses, _SINCE) == Selected(
        uidvalidity=5,
        uidnext=101,
        exists=3,
        highestmodseq=20,
        resynced=True,
        vanished=frozenset({41, 43, 44, 45}),
        flags={50: frozenset({"\\Seen"})},
    )


def test_another_uidvalidity_means_nothing_was_resynced() -> None:
    chosen = selecting.selected(_responses(b"* OK [UIDVALIDITY 6]", b"* VANISHED (EARLIER) 41"), _SINCE)
    assert (chosen.resynced, chosen.vanished) == (False, frozenset())


def test_vanished_beyond_measure_means_nothing_was_resynced() -> None:
    far = SyncPoint(uidvalidity=5, highestmodseq=10, uidnext=4_000_000_000)
    responses = (b"* OK [UIDVALIDITY 5]", b"* VANISHED (EARLIER) 1:3999999999")
    assert not selecting.selected(_responses(*responses), far).resynced
    assert selecting.changes(_responses(*responses), far) == Changes(flags={})


def test_changes_are_flags_and_what_vanished() -> None:
    responses = _responses(
        b"* VANISHED (EARLIER) 1:3", b"* VANISHED 4", b"* 1 FETCH (UID 9 FLAGS ())", b"* 2 FETCH (FLAGS ())"
    )
    assert selecting.changes(responses, _SINCE) == Changes(flags={9: frozenset()}, vanished=frozenset({1, 2, 3, 4}))


def test_search_results_may_come_in_pieces_and_in_any_order() -> None:
    lines = (b"* SEARCH 5 3", b"* 7 EXISTS", b"* OK still here", b"* SEARCH 4 (MODSEQ 9)", b"* SEARCH", b"* SEARCH 1")
    assert searching.uids(_responses(*lines), 2, None) == [3, 4, 5]


def test_extended_search_results_are_sets() -> None:
    lines = (b'* ESEARCH (TAG "F1") UID ALL 8,2:4', b'* ESEARCH (TAG "F1") UID')
    assert searching.uids(_responses(*lines), 3, 8) == [3, 4, 8]
