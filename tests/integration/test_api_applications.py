"""applications, connectors, and PATCH of a grant."""

import json
import time
from typing import Any

import pytest
from django.test import Client
from nylas import Client as Sdk
from nylas.models.errors import NylasApiError

from accounts import credentials
from accounts.models import Account, Application
from tests.integration.api_client import *  # noqa: F403 -- fixtures
from tests.integration.factories import make_application, make_key
from tests.integration.mirroring import connected, sync
from tests.mailboxes import Mailbox, MailboxFactory

pytestmark = pytest.mark.django_db(transaction=True)


def ask(api: Client, method: str, path: str, status: int = 200, **body: Any) -> Any:
    answer = api.generic(method, f"/v3/{path}", json.dumps(body), "application/json")
    assert answer.status_code == status, answer.content
    told = answer.json()
    return told.get("data") if status < 400 else told["error"]["message"]


def test_the_application_of_a_key_is_told_and_renamed(api: Client, account: Account) -> None:
    data = ask(api, "GET", "applications")
    assert (data["application_id"], data["branding"]) == (
        str(account.application_id),
        {"name": account.application.name},
    )
    assert ask(api, "PATCH", "applications", branding={"name": "Acme"})["branding"] == {"name": "Acme"}
    assert Application.objects.get(pk=account.application_id).name == "Acme"
    assert ask(api, "PATCH", "applications")["branding"] == {"name": "Acme"}


def test_an_application_is_changed_within_reason(api: Client, account: Account) -> None:
    make_application("Other")
    assert "has this name" in ask(api, "PATCH", "applications", 400, branding={"name": "Other"})
    assert ask(api, "PATCH", "applications", 400, branding={"name": "x" * 201}).startswith("branding.name: Ensure")
    assert ask(api, "PATCH", "applications", 400, colour="red") == "Unknown field 'colour'. Allowed here: branding."
    assert "'domain' is part of the contract" in ask(api, "PATCH", "applications", 501, domain="x.test")


def test_a_grant_access_token_sees_neither_application_nor_connectors(account: Account) -> None:
    token = Client(headers={"authorization": f"Bearer {make_key(account.application, account)[1]}"})
    for path in ("applications", "connectors", "connectors/imap"):
        ask(token, "GET", path, 403)


def test_imap_is_always_connected_and_stays(api: Client) -> None:
    imap = {"name": "IMAP", "provider": "imap", "settings": {}, "scope": []}
    assert ask(api, "GET", "connectors") == [imap]
    assert ask(api, "GET", "connectors?offset=1") == []
    assert ask(api, "GET", "connectors/imap") == imap
    assert ask(api, "POST", "connectors", 201, provider="imap") == imap
    for method in ("PATCH", "PUT"):
        assert ask(api, method, "connectors/imap", scope=[]) == imap
        assert "has no settings" in ask(api, method, "connectors/imap", 400, settings={"client_id": "x"})
    assert "cannot be deleted" in ask(api, "DELETE", "connectors/imap", 400)
    ask(api, "GET", "connectors/google", 404)
    assert "'google' is part of the contract" in ask(api, "POST", "connectors", 501, provider="google")
    assert "must be imap" in ask(api, "POST", "connectors", 400, provider=["imap"])
    assert "must be imap" in ask(api, "POST", "connectors", 400)


@pytest.fixture
def box(mailbox_factory: MailboxFactory, trusted_loopback: None) -> Mailbox:
    return mailbox_factory("qresync")


@pytest.fixture
def grant(box: Mailbox, account: Account) -> Account:
    """A mailbox of the application that the key is of."""
    grant = connected(box)
    Account.objects.filter(pk=grant.pk).update(application=account.application)
    grant.refresh_from_db()
    return grant


def test_a_new_password_is_tried_and_kept(api: Client, grant: Account, box: Mailbox) -> None:
    path = f"grants/{grant.pk}"
    assert "refuses the user name or password" in ask(api, "PATCH", path, 400, settings={"imap_password": "wrong"})
    box.server.add_user(box.user, "new one")
    time.sleep(1.1)  # Dovecot looks at its password file once a second
    data = ask(api, "PATCH", path, settings={"imap_password": "new one"}, scope=[])
    assert (data["id"], data["settings"]["imap_port"]) == (str(grant.pk), box.port)
    assert "imap_password" not in data["settings"]
    grant.refresh_from_db()
    assert credentials.unseal(bytes(grant.credentials)) == {"imap_password": "new one"}
    sync(grant)


def test_a_password_never_travels_to_another_server(api: Client, grant: Account, box: Mailbox) -> None:
    path = f"grants/{grant.pk}"
    for change in ({"imap_host": "localhost"}, {"imap_port": 1}, {"smtp_host": "localhost"}):
        told = ask(api, "PATCH", path, 400, settings=change)
        assert told.endswith("The password is needed again where the server changes.")
    same = {"imap_host": "127.0.0.1", "imap_port": box.port, "imap_security": "none"}
    ask(api, "PATCH", path, settings=same)
    moved = {"imap_host": "localhost", "imap_password": box.password}
    assert ask(api, "PATCH", path, settings=moved)["settings"]["imap_host"] == "localhost"


def test_a_submission_server_is_added(api: Client, grant: Account, box: Mailbox) -> None:
    smtp = {"smtp_host": "127.0.0.1", "smtp_port": 2525, "smtp_security": "none"}
    data = ask(api, "PATCH", f"grants/{grant.pk}", settings={**smtp, "smtp_password": "other"})
    assert {name: data["settings"][name] for name in smtp} == smtp
    grant.refresh_from_db()
    assert credentials.unseal(bytes(grant.credentials)) == {"imap_password": box.password, "smtp_password": "other"}


def test_nothing_changes_nothing_and_what_is_unknown_is_named(api: Client, grant: Account) -> None:
    path = f"grants/{grant.pk}"
    assert ask(api, "PATCH", path)["id"] == str(grant.pk)
    assert ask(api, "PATCH", path, 400, name="x") == "Unknown field 'name'. Allowed here: scope, settings."
    assert ask(api, "PATCH", path, 400, settings={"imap_port": "x"}).startswith("imap_port: A valid integer")
    assert "Invalid data" in ask(api, "PATCH", path, 400, settings=[])


def test_the_sdk_manages_application_connectors_grants_and_marks_mail(
    live_server: Any, account: Account, grant: Account, box: Mailbox
) -> None:
    with box.client() as client:
        client.append("INBOX", b"Subject: hello\r\n\r\nhello\r\n")
    sync(grant)
    nylas = Sdk(make_key(account.application)[1], api_uri=live_server.url)
    assert nylas.applications.info().data.application_id == str(account.application_id)
    assert nylas.applications.update({"branding": {"name": "Renamed"}}).data.branding.name == "Renamed"
    assert [each.provider for each in nylas.connectors.list().data] == ["imap"]
    assert nylas.connectors.find("imap").data.provider == "imap"
    assert nylas.connectors.create({"provider": "imap"}).data.provider == "imap"
    assert nylas.connectors.update("imap", {"scope": []}).data.provider == "imap"
    with pytest.raises(NylasApiError, match="cannot be deleted"):
        nylas.connectors.destroy("imap")
    updated = nylas.grants.update(str(grant.pk), {"settings": {"imap_password": box.password}}).data
    assert updated.id == str(grant.pk)
    (message,) = nylas.messages.list(str(grant.pk)).data
    changed = nylas.messages.update(str(grant.pk), str(message.id), {"unread": False, "starred": True}).data
    assert (changed.unread, changed.starred) == (False, True)
    thread = nylas.threads.update(str(grant.pk), str(message.thread_id), {"unread": True}).data
    assert (thread.unread, thread.starred) == (True, True)
    sync(grant)
    with box.client() as client:
        client.select_folder("INBOX", readonly=True)
        assert client.fetch([1], ["FLAGS"])[1][b"FLAGS"] == (b"\\Flagged",)
