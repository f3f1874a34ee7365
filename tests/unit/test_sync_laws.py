"""Laws of the plans: everything is planned for once, and what was planned and done needs no second plan."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from mail.sync.folders import needs_visit, plan_folders
from mail.sync.visit import counts_disagree, diff_flags, plan_visit
from mail.types import FolderPlan, LocalFolder, RemoteFolder, Selected

_NAMES = st.sampled_from(["INBOX", "A", "B", "A/B", "C", "D"])
_UIDVALIDITIES = st.sampled_from([None, 1, 2, 3, 4])
_IDS = st.sampled_from(["", "", "x", "y", "z"])
_FLAGS = st.frozensets(st.sampled_from(["\\Seen", "\\Flagged", "$Label1"]))
_STRATEGIES = st.sampled_from(["qresync", "condstore", "full"])

LOCAL = st.lists(
    st.builds(
        LocalFolder,
        id=st.just(UUID(int=0)),
        wire_name=_NAMES,
        name=st.just(""),
        uidvalidity=_UIDVALIDITIES,
        uidnext=st.integers(1, 3),
        mailbox_id=_IDS,
    ),
    max_size=5,
    unique_by=lambda folder: folder.wire_name,
).map(lambda folders: [replace(folder, id=UUID(int=number)) for number, folder in enumerate(folders, 1)])
REMOTE = st.lists(
    st.builds(
        RemoteFolder,
        wire_name=_NAMES,
        name=st.just(""),
        delimiter=st.just("/"),
        attributes=st.just(frozenset()),
        uidvalidity=_UIDVALIDITIES,
        uidnext=st.integers(1, 3),
        mailbox_id=_IDS,
    ),
    min_size=1,
    max_size=5,
    unique_by=(lambda folder: folder.wire_name, lambda folder: folder.mailbox_id or folder),  # RFC 8474 §4.1
)
SELECTED = st.builds(
    Selected,
    uidvalidity=st.integers(1, 3),
    uidnext=st.integers(1, 5),
    exists=st.integers(0, 4),
    highestmodseq=st.integers(0, 4),
    resynced=st.booleans(),
)
KNOWN = st.builds(
    LocalFolder,
    id=st.just(UUID(int=1)),
    wire_name=st.just("A"),
    name=st.just("A"),
    uidvalidity=st.integers(1, 3),
    uidnext=st.integers(1, 5),
    highestmodseq=st.integers(0, 4),
    mirrored=st.integers(0, 4),
)


def applied(plan: FolderPlan) -> list[LocalFolder]:
    """The mirror's folders after the plan, looked into."""
    kept = [_as(ours, theirs) for ours, theirs in plan.kept]
    fresh = (LocalFolder(UUID(int=100 + number), "", "") for number in range(len(plan.created)))
    return kept + [_as(ours, theirs) for ours, theirs in zip(fresh, plan.created, strict=True)]


def _as(ours: LocalFolder, theirs: RemoteFolder) -> LocalFolder:
    return replace(
        ours,
        wire_name=theirs.wire_name,
        mailbox_id=theirs.mailbox_id,
        uidvalidity=theirs.uidvalidity,
        uidnext=theirs.uidnext or 1,
    )


@given(LOCAL, REMOTE)
def test_every_folder_is_planned_for_once(local: Sequence[LocalFolder], remote: Sequence[RemoteFolder]) -> None:
    plan = plan_folders(local, remote)
    assert sorted([ours.id for ours, _theirs in plan.kept] + [ours.id for ours in plan.deleted]) == sorted(
        ours.id for ours in local
    )
    assert sorted([theirs.wire_name for _ours, theirs in plan.kept] + [t.wire_name for t in plan.created]) == sorted(
        theirs.wire_name for theirs in remote
    )


@given(LOCAL, REMOTE)
def test_a_second_plan_for_the_folders_is_empty(local: Sequence[LocalFolder], remote: Sequence[RemoteFolder]) -> None:
    after = applied(plan_folders(local, remote))
    second = plan_folders(after, remote)
    assert not second.created
    assert not second.deleted
    assert all(ours.wire_name == theirs.wire_name for ours, theirs in second.kept)


@given(LOCAL, REMOTE)
def test_a_folder_whose_name_and_uidvalidity_stay_is_the_same_folder(
    local: Sequence[LocalFolder], remote: Sequence[RemoteFolder]
) -> None:
    local, remote = [replace(each, mailbox_id="") for each in local], [replace(each, mailbox_id="") for each in remote]
    theirs = {folder.wire_name: folder.uidvalidity for folder in remote}
    same = {folder.id for folder in local if folder.uidvalidity and theirs.get(folder.wire_name) == folder.uidvalidity}
    kept = {ours.id for ours, found in plan_folders(local, remote).kept if ours.wire_name == found.wire_name}
    assert same <= kept


@given(KNOWN, SELECTED, _STRATEGIES)
def test_a_second_visit_has_nothing_to_learn_but_what_no_server_tells(
    local: LocalFolder, selected: Selected, strategy: str
) -> None:
    plan = plan_visit(local, selected, strategy)
    modseq = selected.highestmodseq if strategy != "full" else 0
    after = replace(
        local,
        uidvalidity=selected.uidvalidity,
        uidnext=selected.uidnext,
        highestmodseq=modseq,
        mirrored=selected.exists,
    )
    second = plan_visit(after, replace(selected, resynced=False), strategy)
    assert not second.reset
    assert second.learn == ("windows" if not modseq and selected.uidnext > 1 else "nothing")
    assert not counts_disagree(after, selected.exists)
    assert plan.reset == (local.uidvalidity != selected.uidvalidity or selected.uidnext < local.uidnext)
    status = RemoteFolder(
        "A",
        "A",
        "/",
        frozenset(),
        messages=selected.exists,
        uidnext=selected.uidnext,
        uidvalidity=selected.uidvalidity,
        highestmodseq=modseq or None,
    )
    assert needs_visit(after, status, strategy) == (not modseq)


@given(st.dictionaries(st.integers(1, 9), _FLAGS), st.dictionaries(st.integers(1, 9), _FLAGS))
def test_applying_a_flag_difference_makes_known_mail_equal(
    known: dict[int, frozenset[str]], server: dict[int, frozenset[str]]
) -> None:
    after = known | diff_flags(known, server)
    assert after.keys() == known.keys()
    assert all(after[uid] == flags for uid, flags in server.items() if uid in known)
    assert not diff_flags(after, server)
