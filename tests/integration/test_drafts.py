"""Drafts live here and on the server: one of each, whoever edits it."""

from typing import Any

import pytest
from django.test import Client

from accounts.models import Account
from mail.models import Message
from tests.integration.drafted import *  # noqa: F403 -- fixtures
from tests.integration.drafted import agrees, call, subjects
from tests.integration.mirroring import sync
from tests.integration.outbound import *  # noqa: F403 -- fixtures
from tests.integration.outbound import in_folder
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


def test_a_draft_is_seen_at_once_and_reaches_the_server(api: Client, account: Account, mailbox: Mailbox) -> None:
    to = [{"name": "Bob Übel", "email": "bob@example.test"}]
    made = call(api, account, "post", "/drafts", subject="Grüße", body="<p>Hallo <b>Bob</b></p>", to=to, bcc=to[:1])
    assert (made["object"], made["subject"], made["to"], made["unread"]) == ("draft", "Grüße", to, False)
    assert made["from"] == [{"name": "Alice Ängström", "email": "alice@example.test"}]
    assert "<b>Bob</b>" in made["body"]
    assert call(api, account, "get", f"/drafts/{made['id']}") == made
    assert [each["id"] for each in call(api, account, "get", "/drafts")] == [made["id"]]
    thread = call(api, account, "get", f"/threads/{made['thread_id']}")
    assert (thread["draft_ids"], thread["has_drafts"]) == ([made["id"]], True)
    assert thread["latest_draft_or_message"]["id"] == made["id"]
    assert subjects(mailbox) == []
    sync(account)
    (there,) = in_folder(mailbox, "Drafts")
    assert (there["Subject"], there["Bcc"]) == ("Grüße", "Bob Übel <bob@example.test>")
    assert agrees(account, mailbox)
    assert call(api, account, "get", f"/drafts/{made['id']}")["folders"] == made["folders"]
    sync(account, thorough=True)
    assert subjects(mailbox) == ["Grüße"]


@pytest.mark.parametrize("synced", [False, True])
def test_a_changed_draft_keeps_its_id_and_what_was_left_out(
    api: Client, account: Account, mailbox: Mailbox, synced: bool
) -> None:
    file = {"filename": "plan.txt", "content_type": "text/plain", "content": "aGVsbG8=", "size": 5}
    header = {"name": "X-Case", "value": "17"}
    made = call(
        api, account, "post", "/drafts", subject="One", body="<p>One</p>", attachments=[file], custom_headers=[header]
    )
    if synced:
        sync(account)
    changed = call(api, account, "put", f"/drafts/{made['id']}", subject="Two", starred=True)
    assert (changed["id"], changed["subject"], changed["starred"]) == (made["id"], "Two", True)
    assert [each["filename"] for each in changed["attachments"]] == ["plan.txt"]
    assert len(call(api, account, "get", "/drafts")) == 1
    sync(account)
    sync(account)
    (there,) = in_folder(mailbox, "Drafts")
    assert (there["Subject"], there["X-Case"]) == ("Two", "17")
    assert agrees(account, mailbox)
    assert Message.objects.filter(draft=True).count() == 1
    emptied = call(api, account, "put", f"/drafts/{made['id']}", attachments=[])
    assert emptied["attachments"] == []


def test_a_deleted_draft_is_gone(api: Client, account: Account, mailbox: Mailbox) -> None:
    kept, gone, never = (call(api, account, "post", "/drafts", subject=name) for name in ("Kept", "Gone", "Never"))
    call(api, account, "delete", f"/drafts/{never['id']}")
    sync(account)
    call(api, account, "delete", f"/drafts/{gone['id']}")
    call(api, account, "get", f"/drafts/{gone['id']}", status=404)
    sync(account)
    assert subjects(mailbox) == ["Kept"]
    assert [each["id"] for each in call(api, account, "get", "/drafts")] == [kept["id"]]
    assert agrees(account, mailbox)


def test_a_draft_that_another_client_edits_keeps_its_id(api: Client, account: Account, mailbox: Mailbox) -> None:
    made = call(api, account, "post", "/drafts", subject="One", body="<p>One</p>")
    sync(account)
    (there,) = in_folder(mailbox, "Drafts")
    there.replace_header("Subject", "By another")
    with mailbox.client() as client:
        client.append("Drafts", there.as_bytes(), [b"\\Draft", b"\\Seen"])
        client.select_folder("Drafts")
        client.delete_messages([1])
        client.expunge()
    sync(account)
    found = call(api, account, "get", f"/drafts/{made['id']}")
    assert (found["id"], found["subject"]) == (made["id"], "By another")
    changed = call(api, account, "put", f"/drafts/{made['id']}", body="<p>Two</p>")
    assert changed["subject"] == "By another"
    sync(account)
    assert subjects(mailbox) == ["By another"]
    assert agrees(account, mailbox)


def test_a_draft_of_another_client_is_read_and_changed(api: Client, account: Account, mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.append("Drafts", b"Subject: Bare\r\nTo: bob@example.test\r\n\r\nJust text\r\n", [b"\\Draft"])
    sync(account)
    (found,) = call(api, account, "get", "/drafts")
    changed = call(api, account, "put", f"/drafts/{found['id']}", subject="Less bare")
    assert changed["to"] == [{"name": "", "email": "bob@example.test"}]
    sync(account)
    (there,) = in_folder(mailbox, "Drafts")
    assert (there["Subject"], there.get_content_type()) == ("Less bare", "text/plain")
    assert agrees(account, mailbox)


def test_an_answer_joins_its_thread(api: Client, account: Account, mailbox: Mailbox) -> None:
    question = Message.objects.get(subject="INBOX 0")
    made = call(api, account, "post", "/drafts", subject="Re: INBOX 0", reply_to_message_id=str(question.pk))
    assert made["thread_id"] == str(question.thread_id)
    sync(account)
    (there,) = in_folder(mailbox, "Drafts")
    assert there["In-Reply-To"] == there["References"] == f"<{question.header_id}>"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"to": [{"email": "nobody"}, {"email": "x@y@z"}]}, ["to: 'nobody'", "to: 'x@y@z'"]),
        ({"cc": [{"name": "No address"}]}, ["cc"]),
        ({"subjekt": "x"}, ["Unknown field 'subjekt'"]),
        ({"custom_headers": [{"name": "Bcc", "value": "x@y.z"}]}, ["Bcc"]),
        ({"custom_headers": [{"name": "X-A", "value": "a\r\nBcc: x@y.z"}]}, ["X-A"]),
        ({"reply_to_message_id": "nothing"}, ["there is no message 'nothing'"]),
        ({"from": [{"email": "a@example.test"}, {"email": "b@example.test"}]}, ["one sender"]),
        ({"attachments": [{"filename": "x", "content_type": "text/plain", "content": "!"}]}, ["content"]),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_kept(
    api: Client, account: Account, body: dict[str, Any], words: list[str]
) -> None:
    answer = api.post(f"/v3/grants/{account.pk}/drafts", body, content_type="application/json")
    assert answer.status_code == 400
    assert all(word in answer.json()["error"]["message"] for word in words), answer.json()
    assert not Message.objects.filter(draft=True).exists()
