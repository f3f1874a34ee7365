"""POST, PUT and DELETE of folders: seen at once, refused in words."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from mail.models import Action, Folder
from tests.integration.api_client import *  # noqa: F403 -- fixtures
from tests.integration.api_client import get, subjects
from tests.integration.factories import make_account, make_folder, make_message

pytestmark = pytest.mark.django_db


@pytest.fixture
def folders(account: Account) -> dict[str, Folder]:
    return {name: make_folder(account, name) for name in ("INBOX", "Work", "Work/Old", "Play")} | {
        "Sent": make_folder(account, "Sent", role="sent")
    }


def call(api: Client, account: Account, path: str, status: int = 200, method: str = "put", **body: Any) -> Any:
    answer = getattr(api, method)(f"/v3/grants/{account.pk}/folders{path}", body, content_type="application/json")
    assert answer.status_code == status, answer.content
    return answer.json()


def make(api: Client, account: Account, status: int = 200, **body: Any) -> Any:
    return call(api, account, "", status, "post", **body)


def listed(api: Client, account: Account) -> list[str]:
    return [each["name"] for each in get(api, account, "/folders")["data"]]


def test_a_new_folder_is_answered_and_listed(api: Client, account: Account, folders: dict[str, Folder]) -> None:
    data = make(api, account, name=" Plans ", background_color="#ff0000", text_color=None)["data"]
    assert (data["name"], data["parent_id"], data["total_count"], data["system_folder"]) == ("Plans", None, 0, False)
    assert get(api, account, f"/folders/{data['id']}")["data"] == data
    assert "Plans" in listed(api, account)
    (entry,) = get(api, account, "/actions")["data"]
    assert (entry["kind"], entry["object_type"], entry["object_id"]) == ("make_folder", "folder", data["id"])
    assert entry["changes"] == {"name": "Plans", "parent_id": None}


def test_a_folder_is_made_below_another_or_at_a_path(api: Client, account: Account, folders: dict[str, Folder]) -> None:
    work = str(folders["Work"].pk)
    first = make(api, account, name="日本 & mehr", parent_id=work)["data"]
    assert (first["name"], first["parent_id"]) == ("Work/日本 & mehr", work)
    second = make(api, account, name="Work/日本 & mehr/2026")["data"]
    assert second["parent_id"] == first["id"]
    assert get(api, account, f"/folders/{work}")["data"]["child_count"] == 2


def test_a_name_is_composed(api: Client, account: Account, folders: dict[str, Folder]) -> None:
    assert make(api, account, name="Bu\u0308ro")["data"]["name"] == "Büro"
    decomposed = make_folder(account, "A\u0308rger")
    assert call(api, account, f"/{decomposed.pk}", name="A\u0308rger")["data"]["name"] == "A\u0308rger"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "blank"),
        ("   ", "blank"),
        ("a\r\nb", "control"),
        ("a\u2028b", "control"),
        ("\ud800", "Surrogate"),
        ("50%", "wildcards"),
        ("*", "wildcards"),
        ("iNbOx", "inbox"),
        ("Work", "already"),
        ("Work/Old", "already"),
        ("x" * 256, "too long"),
        ("ü" * 128, "too long"),
        ("x" * 1025, "1024"),
        ("Nowhere/Plans", "no folder 'Nowhere'"),
        ("/Plans", "no folder"),
        ("Work/", "needs a name"),
        (7.5, ""),
        (None, "null"),
        (["x"], "string"),
    ],
)
def test_a_name_that_cannot_be_is_refused_in_words(
    api: Client, account: Account, folders: dict[str, Folder], name: Any, words: str
) -> None:
    if name == 7.5:
        assert make(api, account, name=name)["data"]["name"] == "7.5"
        return
    assert words in make(api, account, 400, name=name)["error"]["message"]
    assert not Action.objects.exists()


def test_what_else_cannot_be_is_refused_in_words(api: Client, account: Account, folders: dict[str, Folder]) -> None:
    strange = make_folder(make_account(account.application, "other@example.test"), "Theirs")
    assert "name" in make(api, account, 400)["error"]["message"]
    assert "Unknown field 'colour'" in make(api, account, 400, name="x", colour="red")["error"]["message"]
    for parent in (str(strange.pk), "nothing"):
        assert "parent_id" in make(api, account, 400, name="x", parent_id=parent)["error"]["message"]
        call(api, account, f"/{parent}", 404, name="x")
        call(api, account, f"/{parent}", 404, "delete")
    flat = make_folder(account, "Flat", attributes=["\\NoInferiors"])
    assert "below Flat" in make(api, account, 400, name="x", parent_id=str(flat.pk))["error"]["message"]
    work = folders["Work"].pk
    answer = make(api, account, 400, name="a/b", parent_id=str(work))
    assert "separates levels" in answer["error"]["message"]
    for below in (work, folders["Work/Old"].pk):
        assert "below itself" in call(api, account, f"/{work}", 400, parent_id=str(below))["error"]["message"]
    assert "folders below Work" in call(api, account, f"/{work}", 400, "delete")["error"]["message"]
    for name in ("INBOX", "Sent"):
        for method in ("put", "delete"):
            message = call(api, account, f"/{folders[name].pk}", 400, method, name="x")["error"]["message"]
            assert "system folder" in message
    assert not Action.objects.exists()


def test_a_mailbox_that_was_not_looked_at_yet_says_so(api: Client, account: Account) -> None:
    assert "not known yet" in make(api, account, 503, name="x")["error"]["message"]


def test_a_folder_is_renamed_with_what_is_below_it(api: Client, account: Account, folders: dict[str, Folder]) -> None:
    work = folders["Work"].pk
    data = call(api, account, f"/{work}", name="Arbeit")["data"]
    assert (data["id"], data["name"], data["child_count"]) == (str(work), "Arbeit", 1)
    assert listed(api, account) == ["Arbeit", "Arbeit/Old", "INBOX", "Play", "Sent"]
    folders["Work"].refresh_from_db()
    assert (folders["Work"].name, folders["Work"].wire_name) == ("Work", "Work"), "the server's truth stays"
    coverage = get(api, account, "/sync")["data"]["folders"]
    assert [each["name"] for each in coverage] == listed(api, account)


@pytest.mark.parametrize("name", ["Older", "Work/Older"])
def test_a_name_or_a_whole_path_renames_in_place(
    api: Client, account: Account, folders: dict[str, Folder], name: str
) -> None:
    data = call(api, account, f"/{folders['Work/Old'].pk}", name=name)["data"]
    assert (data["name"], data["parent_id"]) == ("Work/Older", str(folders["Work"].pk))
    assert get(api, account, "/actions")["data"][0]["changes"] == {"name": "Older"}


def test_a_folder_moves(api: Client, account: Account, folders: dict[str, Folder]) -> None:
    old, play = folders["Work/Old"].pk, str(folders["Play"].pk)
    assert call(api, account, f"/{old}", parent_id=play)["data"]["name"] == "Play/Old"
    assert call(api, account, f"/{old}", name="Work/New")["data"]["parent_id"] == str(folders["Work"].pk)
    assert call(api, account, f"/{old}", parent_id=None)["data"]["name"] == "New"
    assert Action.objects.filter(state="pending").count() == 1


def test_what_changes_nothing_is_no_change(api: Client, account: Account, folders: dict[str, Folder]) -> None:
    old = folders["Work/Old"].pk
    whole = get(api, account, f"/folders/{old}")["data"]
    for body in ({}, {"name": "Old"}, {"name": whole["name"], "parent_id": whole["parent_id"]}, {"text_color": "x"}):
        assert call(api, account, f"/{old}", **body)["data"] == whole
    assert not Action.objects.exists()


def test_a_deleted_folder_is_nowhere(api: Client, account: Account, folders: dict[str, Folder]) -> None:
    old = folders["Work/Old"]
    row = make_message(account, old, unread=True)
    assert set(call(api, account, f"/{old.pk}", method="delete")) == {"request_id"}
    assert "Work/Old" not in listed(api, account)
    call(api, account, f"/{old.pk}", 404, "delete")
    call(api, account, f"/{old.pk}", 404, name="x")
    assert api.get(f"/v3/grants/{account.pk}/folders/{old.pk}").status_code == 404
    for query in ("", "&unread=true"):
        assert subjects(api, account, f"/messages?in={old.pk}{query}") == []
        assert subjects(api, account, f"/threads?in={old.pk}{query}") == []
    answer = api.put(
        f"/v3/grants/{account.pk}/messages/{row.pk}", {"folders": [str(old.pk)]}, content_type="application/json"
    )
    assert answer.status_code == 400
    assert get(api, account, "/actions")["data"][0]["changes"] == {}
    call(api, account, f"/{folders['Work'].pk}", method="delete")
    assert make(api, account, name="Work")["data"]["child_count"] == 0, "the name is free"


def test_where_all_is_below_the_inbox_that_is_the_top(api: Client, account: Account) -> None:
    inbox, _work = make_folder(account, "INBOX", delimiter="."), make_folder(account, "INBOX.Work", delimiter=".")
    data = make(api, account, name="Plans")["data"]
    assert (data["name"], data["parent_id"]) == ("INBOX.Plans", str(inbox.pk))
    assert call(api, account, f"/{data['id']}", name="INBOX.Play")["data"]["name"] == "INBOX.Play"
    assert make(api, account, name="INBOX.Play.Cards")["data"]["parent_id"] == data["id"]


def test_the_log_tells_of_all(api: Client, account: Account, folders: dict[str, Folder]) -> None:
    start = get(api, account, "/delta/latest_cursor")["data"]["cursor"]
    made = make(api, account, name="Plans", parent_id=str(folders["Work"].pk))["data"]
    call(api, account, f"/{made['id']}", name="Plan")
    call(api, account, f"/{made['id']}", method="delete")
    entries = get(api, account, f"/delta?cursor={start}")["data"]
    assert [each["kind"] for each in entries if each["object_id"] == made["id"]] == ["created", "updated", "deleted"]
    assert [each["kind"] for each in entries if each["object_id"] == str(folders["Work"].pk)] == ["updated"] * 2
