from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Account, Application, Watcher
from mail.models import FolderState, Gap
from tests.integration.factories import make_account, make_application, make_folder, make_key
from tests.mailboxes import MailboxFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def application() -> Application:
    return make_application()


@pytest.fixture
def api(application: Application) -> Client:
    return Client(headers={"authorization": f"Bearer {make_key(application)[1]}"})


def emails(api: Client, query: str = "") -> list[str]:
    answer = api.get(f"/v3/grants{query}")
    assert answer.status_code == 200, answer.content
    return [each["email"] for each in answer.json()["data"]]


def test_a_grant_has_the_fields_of_the_contract_and_no_secret(api: Client, application: Application) -> None:
    account = make_account(
        application,
        "a@example.test",
        state="invalid",
        reason="The password was refused.",
        last_error="NO [AUTHENTICATIONFAILED]",
        settings={"imap_host": "imap.example.test", "imap_port": 993, "imap_password": "hunter2", "token": "hunter2"},
    )
    answer = api.get(f"/v3/grants/{account.pk}")
    data = answer.json()["data"]
    assert (data["id"], data["provider"], data["email"], data["scope"]) == (str(account.pk), "imap", account.email, [])
    assert (data["grant_status"], data["state"]) == ("invalid", "invalid")
    assert (data["state_reason"], data["last_error"]) == ("The password was refused.", "NO [AUTHENTICATIONFAILED]")
    assert data["settings"] == {"imap_host": "imap.example.test", "imap_port": 993}
    assert abs(data["created_at"] - timezone.now().timestamp()) < 60
    assert b"hunter2" not in answer.content
    assert b"sealed" not in answer.content


@pytest.mark.parametrize("state", ["connecting", "initial", "live", "paused", "error"])
def test_a_grant_is_valid_as_long_as_its_owner_need_not_act(api: Client, application: Application, state: str) -> None:
    account = make_account(application, state=state)
    data = api.get(f"/v3/grants/{account.pk}").json()["data"]
    assert (data["grant_status"], data["state"]) == ("valid", state)


def test_grants_are_filtered_and_sorted(api: Client, application: Application) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    for number, state in enumerate(("live", "invalid", "live")):
        account = make_account(application, f"{number}@example.test", state=state)
        Account.objects.filter(pk=account.pk).update(
            created_at=start + timedelta(days=number), updated_at=start - timedelta(days=number)
        )
    second = int(start.timestamp()) + 86400
    for query, found in (
        ("", "210"),
        ("?order_by=asc", "012"),
        ("?sort_by=updated_at", "012"),
        ("?sort_by=updated_at&order_by=asc", "210"),
        (f"?since={second}", "21"),
        (f"?before={second}", "0"),
        ("?email=1@Example.test", "1"),
        ("?grant_status=valid", "20"),
        ("?grant_status=invalid", "1"),
        ("?provider=imap", "210"),
        ("?provider=google", ""),
        ("?ip=10.0.0.1", ""),
        ("?limit=2", "21"),
        ("?limit=2&offset=2", "0"),
        ("?offset=9", ""),
    ):
        assert emails(api, query) == [f"{number}@example.test" for number in found], query


def test_a_page_of_grants_says_where_it_is(api: Client, application: Application) -> None:
    for _ in range(12):
        make_account(application)
    body = api.get("/v3/grants").json()
    assert (len(body["data"]), body["limit"], body["offset"]) == (10, 10, 0)


def test_a_removed_grant_is_gone_at_once(api: Client, application: Application) -> None:
    account = make_account(application, "a@example.test")
    answer = api.delete(f"/v3/grants/{account.email}")
    assert (answer.status_code, set(answer.json())) == (200, {"request_id"})
    account.refresh_from_db()
    assert account.removed_at is not None
    assert api.get(f"/v3/grants/{account.pk}").status_code == 404
    assert api.delete(f"/v3/grants/{account.pk}").status_code == 404
    assert emails(api) == []


# --- connect/custom and providers/detect -----------------------------------------------------------------------------


def connect(api: Client, body: Any) -> Any:
    return api.post("/v3/connect/custom", body, content_type="application/json")


def test_a_mailbox_is_connected_and_readable_at_once(
    api: Client, trusted_loopback: None, mailbox_factory: MailboxFactory
) -> None:
    mailbox = mailbox_factory("qresync")
    settings = {
        "imap_username": mailbox.user,
        "imap_password": mailbox.password,
        "imap_host": mailbox.host,
        "imap_port": mailbox.port,
        "imap_security": "none",
    }
    answer = connect(api, {"provider": "imap", "settings": settings, "name": "Ann"})
    assert answer.status_code == 201, answer.content
    data = answer.json()["data"]
    assert (data["email"], data["name"], data["state"], data["grant_status"]) == (
        *(mailbox.user, "Ann"),
        *("connecting", "valid"),
    )
    assert mailbox.password.encode() not in answer.content
    assert api.get(f"/v3/grants/{mailbox.user}").json()["data"] == data

    wrong = connect(api, {"provider": "imap", "settings": {**settings, "imap_password": "wrong"}})
    assert wrong.status_code == 400
    assert "settings.imap_password" in wrong.json()["error"]["message"]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "provider"),
        ({"provider": "imap"}, "settings"),
        ({"provider": "google", "settings": {}}, "google"),
        ({"provider": "imap", "settings": []}, "settings"),
        ({"provider": "imap", "settings": {"imap_username": "a@example.test"}}, "settings.imap_password"),
        (
            {"provider": "imap", "settings": {"imap_username": "a@b.c", "imap_password": "p", "imap_port": 0}},
            "imap_port",
        ),
        ({"provider": "imap", "settings": {"imap_username": "a\0", "imap_password": "p"}}, "imap_username"),
        ({"provider": "imap", "settings": {"imap_username": "\ud800", "imap_password": "p"}}, "imap_username"),
        ({"provider": "\ud800", "settings": {}}, "provider"),
        (
            {"provider": "imap", "settings": {"imap_username": "a", "imap_password": "p", "imap_host": "h.test"}},
            "e-mail",
        ),
        (
            {
                "provider": "imap",
                "settings": {
                    "imap_username": "a@b.test",
                    "imap_password": "p",
                    "imap_host": "127.0.0.1",
                    "imap_port": 1,
                },
            },
            "127.0.0.1",
        ),
    ],
)
def test_what_is_wrong_with_a_connection_is_named(api: Client, body: Any, named: str) -> None:
    answer = connect(api, body)
    assert answer.status_code == 400, answer.content
    assert named in answer.json()["error"]["message"]
    assert not Account.objects.exists()


def test_a_known_providers_address_is_detected(api: Client) -> None:
    data = api.post("/v3/providers/detect?email=someone@icloud.com&all_provider_types=true").json()["data"]
    assert data == {"email_address": "someone@icloud.com", "detected": True, "provider": "imap", "type": "icloud"}


def test_what_is_no_address_is_not_detected(api: Client) -> None:
    data = api.post("/v3/providers/detect?email=someone").json()["data"]
    assert data == {"email_address": "someone", "detected": False, "provider": None, "type": None}
    assert api.post("/v3/providers/detect").status_code == 400


# --- sync ------------------------------------------------------------------------------------------------------------


def test_the_sync_tells_how_much_of_the_mailbox_an_answer_covers(api: Client, application: Application) -> None:
    account = make_account(application, state="initial", last_sync_at=timezone.now() - timedelta(seconds=90))
    inbox = make_folder(account, total_count=10, mirrored_count=4, state=FolderState.SYNCING)
    broken = make_folder(account, "Broken", total_count=5, state=FolderState.ERROR, error="NO [SERVERBUG]")
    make_folder(account, "Container", selectable=False)
    Gap.objects.create(folder=inbox, uid=3, next_try_at=timezone.now())
    data = api.get(f"/v3/grants/{account.pk}/sync").json()["data"]
    assert (data["state"], data["total"], data["mirrored"], data["complete"]) == ("initial", 15, 4, False)
    assert 90 <= data["lag"] < 120
    assert [(each["id"], each["state"], each["error"], each["unavailable"]) for each in data["folders"]] == [
        (str(broken.pk), "error", "NO [SERVERBUG]", 0),
        (str(inbox.pk), "syncing", None, 1),
    ]


def test_the_sync_tells_how_changes_are_heard_of(api: Client, application: Application) -> None:
    watcher = Watcher.objects.create(expires_at=timezone.now() + timedelta(seconds=10))
    since = timezone.now() - timedelta(seconds=90)
    told = make_account(application, watcher=watcher.pk, watch_mode="idle", watch_note="The inbox.", live_since=since)
    lost = make_account(application, watcher=uuid4(), watch_mode="notify", live_since=since)  # its process died

    def watch(account: Account) -> tuple[str, str | None, int | None]:
        data = api.get(f"/v3/grants/{account.pk}/sync").json()["data"]
        return data["watch"], data["watch_reason"], data["live_since"]

    assert watch(told) == ("idle", "The inbox.", int(since.timestamp()))
    assert watch(lost) == watch(make_account(application)) == ("polling", None, None)


def test_a_live_mailbox_of_live_folders_is_complete(api: Client, application: Application) -> None:
    account = make_account(application)
    make_folder(account)
    data = api.get(f"/v3/grants/{account.pk}/sync").json()["data"]
    assert (data["complete"], data["lag"], data["last_sync_at"]) == (True, None, None)


def test_a_sync_can_be_asked_for_unless_the_grant_is_paused(api: Client, application: Application) -> None:
    account, paused = make_account(application), make_account(application, state="paused")
    assert api.post(f"/v3/grants/{account.pk}/sync").status_code == 202
    account.refresh_from_db()
    assert account.next_sync_at is not None
    answer = api.post(f"/v3/grants/{paused.pk}/sync")
    assert (answer.status_code, "paused" in answer.json()["error"]["message"]) == (400, True)
