from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from mail.sync.folders import needs_visit, plan_folders, visiting_order
from mail.types import ConnectionFailed, LocalFolder, RemoteFolder


def local(name: str, uidvalidity: int | None = None, *, number: int = 1, **more: object) -> LocalFolder:
    return LocalFolder(id=UUID(int=number), wire_name=name, name=name, uidvalidity=uidvalidity, **more)  # type: ignore[arg-type]


def remote(name: str, uidvalidity: int | None = None, **more: object) -> RemoteFolder:
    return RemoteFolder(name, name, "/", frozenset(), uidvalidity=uidvalidity, **more)  # type: ignore[arg-type]


def names(pairs: list[tuple[LocalFolder, RemoteFolder]]) -> set[tuple[str, str]]:
    return {(ours.wire_name, theirs.wire_name) for ours, theirs in pairs}


def test_a_second_plan_changes_nothing() -> None:
    plan = plan_folders([local("A", 1), local("B", 2, number=2)], [remote("A", 1), remote("B", 2)])
    assert names(plan.kept) == {("A", "A"), ("B", "B")}
    assert not plan.created
    assert not plan.deleted


def test_a_renamed_folder_is_known_by_its_uidvalidity() -> None:
    plan = plan_folders([local("Old", 7, uidnext=3)], [remote("New", 7, uidnext=5)])
    assert names(plan.kept) == {("Old", "New")}


def test_a_folder_that_is_made_here_waits_until_the_server_lists_it() -> None:
    ours = LocalFolder(id=UUID(int=2), wire_name="", name="Neu & Ü")
    plan = plan_folders([local("A", 1), ours], [remote("A", 1)])
    assert (names(plan.kept), plan.created, plan.deleted) == ({("A", "A")}, [], [])
    theirs = replace(remote("Neu &- &ANw-", 1), name="Neu & Ü")
    plan = plan_folders([local("A", 1), ours], [remote("A", 1), theirs])
    assert (plan.kept[1:], plan.created, plan.deleted) == ([(ours, theirs)], [], [])


def test_a_folder_that_was_renamed_unnoticed_is_known_by_its_wished_name() -> None:
    ours = [local("A", 1, wished_name="B"), local("A/x", 1, number=2, wished_name="B/x")]
    plan = plan_folders(ours, [remote("B", 1), remote("B/x", 1)])
    assert names(plan.kept) == {("A", "B"), ("A/x", "B/x")}
    plan = plan_folders(ours, [remote("A", 1), remote("A/x", 1), remote("B", 1)])
    assert names(plan.kept) == {("A", "A"), ("A/x", "A/x")}
    assert [theirs.name for theirs in plan.created] == ["B"]


def test_folders_that_swap_names_keep_their_ids() -> None:
    plan = plan_folders(
        [local("A", 1), local("B", 2, number=2)], [remote("A", 2, uidnext=9), remote("B", 1, uidnext=9)]
    )
    assert names(plan.kept) == {("A", "B"), ("B", "A")}


def test_a_folder_renamed_while_another_takes_its_name() -> None:
    plan = plan_folders([local("A", 1)], [remote("A", 5, uidnext=1), remote("B", 1, uidnext=1)])
    assert names(plan.kept) == {("A", "B")}
    assert [folder.wire_name for folder in plan.created] == ["A"]


def test_a_uidvalidity_that_several_folders_share_tells_no_rename() -> None:
    plan = plan_folders([local("A", 1), local("B", 1, number=2)], [remote("A", 1), remote("C", 1)])
    assert names(plan.kept) == {("A", "A")}
    assert [folder.wire_name for folder in plan.created] == ["C"]
    assert [folder.wire_name for folder in plan.deleted] == ["B"]


def test_a_uidnext_that_went_back_tells_no_rename() -> None:
    plan = plan_folders([local("Old", 7, uidnext=30)], [remote("New", 7, uidnext=5)])
    assert not plan.kept


def test_a_reset_folder_is_known_by_its_name() -> None:
    plan = plan_folders([local("A", 9)], [remote("A", 3)])
    assert names(plan.kept) == {("A", "A")}


def test_mailboxid_is_stronger_than_name_and_uidvalidity() -> None:
    plan = plan_folders(
        [local("A", 1, mailbox_id="x"), local("B", 2, number=2, mailbox_id="y")],
        [remote("A", 1, mailbox_id="y"), remote("B", 2, mailbox_id="x")],
    )
    assert names(plan.kept) == {("A", "B"), ("B", "A")}


def test_a_server_that_lists_nothing_does_not_empty_the_mirror() -> None:
    with pytest.raises(ConnectionFailed, match="lists no folders"):
        plan_folders([local("INBOX", 1)], [])


@pytest.mark.parametrize("change", [{"messages": 4}, {"uidnext": 9}, {"highestmodseq": 99}, {"uidvalidity": 2}])
def test_a_folder_is_visited_when_its_status_changed(change: dict[str, Any]) -> None:
    ours = local("A", 1, uidnext=4, highestmodseq=10, mirrored=3)
    same = remote("A", 1, messages=3, uidnext=4, highestmodseq=10)
    assert not needs_visit(ours, same, "condstore")
    assert needs_visit(ours, replace(same, **change), "condstore")


def test_without_condstore_every_folder_is_visited() -> None:
    ours = local("A", 1, uidnext=4, mirrored=3)
    assert needs_visit(ours, remote("A", 1, messages=3, uidnext=4), "full")


def test_the_inbox_comes_first_and_junk_last() -> None:
    folders = [remote("Z"), remote("Junk", role="junk"), remote("INBOX", role="inbox"), remote("Sent", role="sent")]
    assert [folder.name for folder in sorted(folders, key=visiting_order)] == ["INBOX", "Sent", "Z", "Junk"]
