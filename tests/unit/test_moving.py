"""How a message gets into the folders in which it is to be."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from mail.sync.moving import Step, steps
from mail.types import Place

INBOX, KEPT, TRASH, WORK = (UUID(int=number) for number in range(1, 5))
MESSAGE = UUID(int=99)


def at(folder: UUID, uid: int = 1) -> Place:
    return Place(folder, uid, MESSAGE, frozenset())


def test_a_move_takes_one_step() -> None:
    assert steps([KEPT], [at(INBOX)]) == [Step(at(INBOX), KEPT)]


def test_what_is_there_already_is_not_done_again() -> None:
    assert steps([KEPT], [at(KEPT)]) == []


def test_of_a_copy_that_was_made_unnoticed_only_the_rest_is_done() -> None:
    assert steps([KEPT], [at(INBOX), at(KEPT)]) == [Step(at(INBOX), None)]


def test_a_further_folder_takes_a_copy() -> None:
    assert steps([INBOX, KEPT], [at(INBOX)]) == [Step(at(INBOX), KEPT, stays=True)]


def test_nowhere_is_a_removal_from_everywhere() -> None:
    assert steps([], [at(INBOX), at(KEPT)]) == [Step(at(INBOX), None), Step(at(KEPT), None)]


@given(
    st.sets(st.sampled_from([INBOX, KEPT, TRASH, WORK])),
    st.lists(st.tuples(st.sampled_from([INBOX, KEPT, TRASH, WORK]), st.integers(1, 3)), unique=True, max_size=6),
)
def test_the_steps_lead_to_the_wanted_folders_and_no_step_lacks_its_place(
    wanted: set[UUID], held: list[tuple[UUID, int]]
) -> None:
    """A second plan is empty; at no moment is the message nowhere, unless that is wanted."""
    places = {at(folder, uid) for folder, uid in held}
    for number, step in enumerate(steps(wanted, sorted(places))):
        assert step.place in places
        if step.target:
            places.add(at(step.target, 100 + number))
        if not step.stays:
            places.remove(step.place)
        assert places or not wanted
    assert {place.folder for place in places} == (wanted if held else set())
    assert steps(wanted, sorted(places)) == []
