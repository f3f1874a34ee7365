"""Sets of UIDs, written compactly and read with care."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mail.imap.uidsets import MAX_OCTETS, SetTooLarge, chunks, members


def test_runs_become_ranges() -> None:
    assert list(chunks([7, 1, 2, 3, 9, 10, 3])) == [b"1:3,7,9:10"]


def test_no_uids_make_no_command() -> None:
    assert list(chunks([])) == []


def test_a_long_set_is_split_into_lines_a_server_takes() -> None:
    uids = range(4_000_000_000, 4_000_010_000, 2)
    pieces = list(chunks(uids))
    assert len(pieces) == 7
    assert max(map(len, pieces)) <= MAX_OCTETS
    assert [uid for piece in pieces for uid in members(piece)] == list(uids)


@given(st.sets(st.integers(1, 2**32 - 1), max_size=80))
def test_what_is_written_is_read_back(uids: set[int]) -> None:
    assert [uid for piece in chunks(uids) for uid in members(piece)] == sorted(uids)


def test_a_range_may_be_written_backwards() -> None:
    assert list(members(b"5:3,1")) == [3, 4, 5, 1]


def test_members_outside_of_what_was_asked_are_left_out() -> None:
    assert list(members(b"1:4294967295", 10, 12)) == [10, 11, 12]


def test_a_set_that_no_folder_can_hold_is_refused_without_holding_it() -> None:
    with pytest.raises(SetTooLarge):
        list(members(b"1:4294967295"))
