"""Folders as readers see them while changes are on their way."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from mail.sync.overlay import FolderWish, Overlay, Row, overlay

A, B, C, NEW = (UUID(int=number) for number in range(4))
ROWS = [Row(A, "A", "/", True), Row(B, "A/B", "/", True), Row(C, "C", "/", True)]


def made(folder: UUID, name: str, *parents: UUID) -> FolderWish:
    return FolderWish(folder, True, False, name, parents)


def renamed(folder: UUID, name: str, *parents: UUID, moves: bool = False) -> FolderWish:
    return FolderWish(folder, False, False, name, parents if parents or moves else None)


def deleted(folder: UUID) -> FolderWish:
    return FolderWish(folder, False, True, "", None)


def seen(*wishes: FolderWish, new: bool = False) -> Overlay:
    return overlay([*ROWS, *([Row(NEW, "A/New", "/", False)] if new else [])], wishes)


def test_what_is_below_a_renamed_folder_follows() -> None:
    found = seen(renamed(A, "X"), renamed(B, "Y"))
    assert [found.seen[each] for each in (A, B, C)] == ["X", "X/Y", "C"]
    assert [found.base[each] for each in (A, B, C)] == ["A", "A/B", "C"], "the server knows nothing of it"


def test_a_move_takes_what_is_below_along() -> None:
    found = seen(renamed(A, "", C))
    assert [found.seen[each] for each in (A, B)] == ["C/A", "C/A/B"]
    found = seen(renamed(A, "", C), renamed(B, "", moves=True))
    assert found.seen[B] == "B"


def test_a_new_folder_is_where_its_parent_is() -> None:
    for wishes in ([made(NEW, "New", A), renamed(A, "X")], [renamed(A, "X"), made(NEW, "New", A)]):
        found = seen(*wishes, new=True)
        assert (found.seen[NEW], found.base[NEW]) == ("X/New", "A/New")


def test_what_is_neither_there_nor_to_be_made_is_abandoned() -> None:
    assert seen(new=True).abandoned == {NEW}
    assert not seen(made(NEW, "New"), new=True).abandoned
    found = seen(deleted(NEW), new=True)
    assert (found.abandoned, found.hidden) == (set(), {NEW}), "its server may have heard of it"


def test_folders_may_swap_their_names() -> None:
    found = seen(renamed(A, "t"), renamed(C, "A"), renamed(A, "C"))
    assert [found.seen[each] for each in (A, B, C)] == ["C", "C/B", "A"]


_WISHES = st.lists(
    st.builds(
        FolderWish,
        st.sampled_from([A, B, C, NEW, UUID(int=9)]),
        st.booleans(),
        st.booleans(),
        st.sampled_from(["", "X", "Y"]),
        st.none() | st.lists(st.sampled_from([A, B, C, UUID(int=9)]), max_size=1),
    ),
    max_size=6,
)


@given(_WISHES)
def test_whatever_is_wished_every_folder_has_a_name(wishes: list[FolderWish]) -> None:
    found = seen(*wishes, new=True)
    assert found.seen.keys() == found.base.keys() == {A, B, C, NEW}
    assert all(found.seen.values())
    assert all(found.base[row.id] == row.name for row in ROWS)
