"""The contract's official Python SDK against a farm: only the address is changed."""

from typing import Any

import pytest
from nylas import Client
from nylas.models.errors import NylasApiError

from accounts.models import Account
from tests.integration.factories import START, make_account, make_folder, make_key, make_message
from tests.integration.test_api_attachments import CONTENT, MAIL, PART
from tests.mailboxes import MailboxFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account() -> Account:
    return make_account(email="me@example.test")


@pytest.fixture
def nylas(account: Account, live_server: Any) -> Client:
    return Client(make_key(account.application)[1], api_uri=live_server.url)


def test_grants_are_listed_found_and_removed(nylas: Client, account: Account) -> None:
    assert [grant.id for grant in nylas.grants.list({"limit": 5, "sortBy": "created_at"}).data] == [str(account.pk)]
    found = nylas.grants.find("me@example.test").data
    assert (found.id, found.provider, found.grant_status, found.state) == (str(account.pk), "imap", "valid", "live")
    assert nylas.grants.destroy(str(account.pk)).request_id
    with pytest.raises(NylasApiError) as error:
        nylas.grants.find(str(account.pk))
    assert (error.value.status_code, error.value.type) == (404, "not_found_error")
    assert error.value.request_id == error.value.headers["x-request-id"]


def test_a_mailbox_is_connected_and_its_provider_detected(
    nylas: Client, trusted_loopback: None, mailbox_factory: MailboxFactory
) -> None:
    mailbox = mailbox_factory("qresync")
    settings = {
        "imap_username": mailbox.user,
        "imap_password": mailbox.password,
        "imap_host": mailbox.host,
        "imap_port": mailbox.port,
        "imap_security": "none",
    }
    created = nylas.auth.custom_authentication({"provider": "imap", "settings": settings}).data
    assert (created.email, created.grant_status) == (mailbox.user, "valid")
    detected = nylas.auth.detect_provider({"email": "a@icloud.com", "all_provider_types": True}).data
    assert (detected.detected, detected.provider, detected.type) == (True, "imap", "icloud")


def test_folders_are_made_renamed_moved_and_deleted(nylas: Client, account: Account) -> None:
    parent = make_folder(account, "A")
    made = nylas.folders.create(
        str(account.pk), {"name": "日本語", "parent_id": str(parent.pk), "background_color": "#fff"}
    ).data
    assert (made.name, made.parent_id) == ("A/日本語", str(parent.pk))
    assert nylas.folders.update(str(account.pk), made.id, {"name": "B", "text_color": "#000"}).data.name == "A/B"
    assert nylas.folders.destroy(str(account.pk), made.id).request_id
    with pytest.raises(NylasApiError) as error:
        nylas.folders.find(str(account.pk), made.id)
    assert error.value.status_code == 404


def test_folders_are_listed_and_found(nylas: Client, account: Account) -> None:
    parent = make_folder(account, "A", total_count=3)
    child = make_folder(account, "A/日本語")
    listed = nylas.folders.list(str(account.pk), {"parent_id": str(parent.pk), "single_level": True}).data
    assert [(folder.id, folder.name, folder.parent_id) for folder in listed] == [
        (str(child.pk), "A/日本語", str(parent.pk)),
    ]
    assert nylas.folders.find(str(account.pk), str(parent.pk)).data.total_count == 3


def test_messages_are_listed_by_pages_and_filters_and_found(nylas: Client, account: Account) -> None:
    inbox = make_folder(account)
    rows = [make_message(account, inbox, unread=True, at=START, mail=MAIL + bytes([n])) for n in range(3)]
    query = {
        "in": str(inbox.pk),
        "unread": True,
        "any_email": ["alice@example.test", "x@example.test"],
        "received_after": 1,
        "limit": 2,
    }
    first = nylas.messages.list(account.email, query)
    second = nylas.messages.list(account.email, {**query, "page_token": first.next_cursor})
    assert (len(first.data), len(second.data), second.next_cursor) == (2, 1, None)
    assert {message.id for message in first.data + second.data} == {str(row.pk) for row in rows}
    found = nylas.messages.find(str(account.pk), str(rows[0].pk), {"fields": "include_headers"}).data
    assert (found.from_, found.folders, found.date) == (
        [{"name": "Alice", "email": "alice@example.test"}],
        [str(inbox.pk)],
        int(START.timestamp()),
    )
    assert found.headers[0].name == "Message-ID"
    slim = nylas.messages.list(str(account.pk), {"select": "id"}).data[0]
    assert (slim.grant_id, slim.subject) == (str(account.pk), None)


def test_a_message_is_found_by_its_message_id_header(nylas: Client, account: Account) -> None:
    row = make_message(account, header_id="a/b+c?d@example.test")
    assert nylas.messages.find(str(account.pk), "<a/b+c?d@example.test>").data.id == str(row.pk)


def test_threads_are_listed_and_found(nylas: Client, account: Account) -> None:
    row = make_message(account, starred=True)
    listed = nylas.threads.list(str(account.pk), {"starred": True, "any_email": "bob@example.test"}).data
    assert [thread.id for thread in listed] == [str(row.thread_id)]
    thread = nylas.threads.find(str(account.pk), str(row.thread_id)).data
    assert thread.message_ids == [thread.latest_draft_or_message.id] == [str(row.pk)]
    assert {each["email"] if isinstance(each, dict) else each.email for each in thread.participants} == {
        *("alice@example.test", "Bob@Example.test"),
    }


def test_attachments_are_found_and_downloaded(nylas: Client, account: Account) -> None:
    row = make_message(account, mail=MAIL, attachments=[PART], has_attachments=True)
    attachment = nylas.messages.find(str(account.pk), str(row.pk)).data.attachments[0]
    where = {"message_id": str(row.pk)}
    assert nylas.attachments.find(str(account.pk), attachment.id, where).data.filename == "page.html"
    assert nylas.attachments.download_bytes(str(account.pk), attachment.id, where) == CONTENT
    with nylas.attachments.download(str(account.pk), attachment.id, where) as streamed:
        assert b"".join(streamed.iter_content(4)) == CONTENT


def test_errors_arrive_as_the_sdks_own(nylas: Client, account: Account) -> None:
    with pytest.raises(NylasApiError) as unknown:
        nylas.messages.list(str(account.pk), {"nonsense": "x"})
    assert (unknown.value.status_code, unknown.value.type) == (400, "invalid_request_error")
    with pytest.raises(NylasApiError) as unbuilt:
        nylas.webhooks.list()
    assert unbuilt.value.status_code == 501
    nylas.http_client.api_key = "wrong"
    with pytest.raises(NylasApiError) as refused:
        nylas.grants.list()
    assert (refused.value.status_code, refused.value.type) == (401, "unauthorized")


def test_messages_are_cleaned(nylas: Client, account: Account) -> None:
    row = make_message(account, body="<p>Yes.</p><blockquote type=cite>Shall we?</blockquote>")
    wishes = {"message_id": [str(row.pk)], "ignore_images": True, "remove_conclusion_phrases": True}
    (cleaned,) = nylas.messages.clean_messages(str(account.pk), wishes).data
    assert (cleaned.id, cleaned.conversation, cleaned.subject) == (str(row.pk), "<p>Yes.</p>", row.subject)
