"""Sending over the API: what is answered, and what the recipients get."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from accounts.models import Account
from api import sent
from mail import sending
from mail.models import Message, Outgoing
from tests.integration.factories import make_key
from tests.integration.mirroring import sync
from tests.integration.outbound import *  # noqa: F403 -- fixtures
from tests.integration.outbound import in_folder, parsed, states
from tests.mailboxes import Mailbox
from tests.protocol.sink import Sink

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded", "worker")]

BOB = [{"name": "Bob, the “Builder”", "email": "bob@example.test"}]
CAROL = [{"email": "carol@exämple.test"}]


@pytest.fixture
def strategy() -> str:
    return "qresync"


@pytest.fixture
def api(account: Account) -> Client:
    return Client(headers={"authorization": f"Bearer {make_key(account.application)[1]}"})


def post(api: Client, account: Account, path: str, status: int = 200, key: str = "", **body: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    answer = api.post(f"/v3/grants/{account.pk}{path}", body, content_type="application/json", headers=headers)
    assert answer.status_code == status, answer.content
    return answer


def get(api: Client, account: Account, path: str, status: int = 200) -> Any:
    answer = api.get(f"/v3/grants/{account.pk}{path}")
    assert answer.status_code == status, answer.content
    return answer.json().get("data")


def test_a_message_is_sent_with_all_that_belongs_to_it(
    api: Client, account: Account, mailbox: Mailbox, sink: Sink
) -> None:
    question = Message.objects.get(subject="INBOX 0")
    body = post(
        api,
        account,
        "/messages/send",
        to=BOB,
        bcc=CAROL,
        reply_to=[{"email": "office@example.test"}],
        subject="Plän für morgen 🎉",
        body='<p>Hallo</p><img src="cid:logo">',
        reply_to_message_id=str(question.pk),
        custom_headers=[{"name": "X-Case", "value": "17"}],
        attachments=[
            {"filename": "größe.txt", "content_type": "text/plain", "content": "aGVsbG8="},
            {"filename": "logo.png", "content_type": "image/png", "content": "iVBORw==", "content_id": "logo"},
        ],
    ).json()
    data = body["data"]
    assert (body["grant_id"], data["object"], data["subject"]) == (str(account.pk), "message", "Plän für morgen 🎉")
    assert data["thread_id"] == str(question.thread_id)
    assert get(api, account, f"/messages/{data['id']}") == data
    (letter,) = sink.letters
    assert letter.rcpt_tos == ["bob@example.test", "carol@xn--exmple-cua.test"]
    got = parsed(letter.content)
    assert got["Subject"] == "Plän für morgen 🎉"
    assert got["To"].addresses[0].display_name == "Bob, the “Builder”"
    assert (got["Bcc"], got["X-Case"]) == (None, "17")
    assert got["Reply-To"] == "office@example.test"
    assert got["In-Reply-To"] == f"<{question.header_id}>"
    names = {part.get_filename(): part for part in got.walk()}
    assert names["größe.txt"].get_content() == "hello"
    assert names["logo.png"]["Content-ID"] == "<logo>"
    plain = got.get_body(("plain",))
    assert plain is not None
    assert "Hallo" in plain.get_content()
    sync(account)
    (copy,) = in_folder(mailbox, "Sent")
    assert copy["Message-ID"] == got["Message-ID"]


def test_plain_text_is_sent_as_such(api: Client, account: Account, sink: Sink) -> None:
    post(api, account, "/messages/send", to=BOB, body="1 < 2\n.dot\n", is_plaintext=True)
    (letter,) = sink.letters
    got = parsed(letter.content)
    assert got.get_content_type() == "text/plain"
    assert got.get_content().replace("\r\n", "\n").startswith("1 < 2\n.dot")


def test_bad_addresses_are_all_named_and_nothing_is_sent(api: Client, account: Account, sink: Sink) -> None:
    bad = [*BOB, {"email": "no at sign"}, {"email": ""}]
    error = post(api, account, "/messages/send", 400, to=bad, cc=[{"email": "a@b@c"}]).json()["error"]
    assert error["type"] == "invalid_request_error"
    assert all(word in error["message"] for word in ("no at sign", "a@b@c", "cc:", "to:"))
    error = post(api, account, "/messages/send", 400, subject="To nobody").json()["error"]
    assert "no recipients" in error["message"]
    assert (sink.letters, states(account)) == ([], [])


def test_refused_recipients_are_in_the_answer(api: Client, account: Account, sink: Sink) -> None:
    sink.refusing = {"carol@xn--exmple-cua.test": "550 5.1.1 no such user"}
    answer = post(api, account, "/messages/send", to=BOB, cc=CAROL).json()
    assert [each["address"] for each in answer["refused"]] == ["carol@xn--exmple-cua.test"]
    sink.refusing |= {"bob@example.test": "552 5.2.2 mailbox full"}
    error = post(api, account, "/messages/send", 400, to=BOB, cc=CAROL).json()["error"]
    assert error["type"] == "provider_error"
    assert {each["code"] for each in error["provider_error"]["refused"]} == {"550", "552"}


def test_what_may_have_been_sent_is_told_apart(api: Client, account: Account, sink: Sink) -> None:
    sink.final = None
    error = post(api, account, "/messages/send", 504, to=BOB).json()["error"]
    assert (error["type"], error["provider_error"]["status"]) == ("provider_error", "uncertain")
    assert "may have been sent" in error["message"]


def test_a_server_that_is_away_is_told_and_nothing_is_sent_later(
    api: Client, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "AT_ONCE", timedelta(0))
    account.settings["smtp_port"] = 1
    account.save(update_fields=["settings"])
    error = post(api, account, "/messages/send", 503, to=BOB).json()["error"]
    assert "was not sent" in error["message"]
    assert states(account) == ["failed"]


def test_who_waits_too_long_is_told_not_to_send_again(
    api: Client, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sent, "WAIT", 0.1)
    monkeypatch.setattr(sending, "nudge", lambda _id: None)
    error = post(api, account, "/messages/send", 504, to=BOB).json()["error"]
    assert "still being sent" in error["message"]
    assert states(account) == ["queued"]


def test_a_repeated_request_is_answered_as_before_and_sent_once(api: Client, account: Account, sink: Sink) -> None:
    first = post(api, account, "/messages/send", key="k1", to=BOB, subject="Once")
    again = post(api, account, "/messages/send", key="k1", to=BOB, subject="Once")
    assert again.json()["data"] == first.json()["data"]
    assert (again.headers["Idempotent-Response"], "Idempotent-Response" in first.headers) == ("true", False)
    error = post(api, account, "/messages/send", 409, key="k1", to=BOB, subject="Twice").json()["error"]
    assert "Idempotency-Key" in error["message"]
    post(api, account, "/messages/send", key="k2", to=BOB, subject="Once")
    post(api, account, "/messages/send", 400, key="k" * 257, to=BOB)
    assert len(sink.letters) == 2


def test_an_error_is_repeated_too(api: Client, account: Account, sink: Sink) -> None:
    sink.refusing = {"bob@example.test": "550 5.1.1 no such user"}
    first = post(api, account, "/messages/send", 400, key="k1", to=BOB).json()["error"]
    sink.refusing = {}
    assert post(api, account, "/messages/send", 400, key="k1", to=BOB).json()["error"] == first
    assert sink.letters == []


def test_a_draft_is_sent_and_is_a_draft_no_more(api: Client, account: Account, mailbox: Mailbox, sink: Sink) -> None:
    draft = post(api, account, "/drafts", to=BOB, bcc=CAROL, subject="Draft", body="<p>x</p>").json()["data"]
    sync(account)
    data = post(api, account, f"/drafts/{draft['id']}").json()["data"]
    assert (data["object"], data["subject"], data["thread_id"]) == ("message", "Draft", draft["thread_id"])
    get(api, account, f"/drafts/{draft['id']}", 404)
    assert get(api, account, f"/threads/{data['thread_id']}")["draft_ids"] == []
    assert parsed(sink.letters[0].content)["Bcc"] is None
    sync(account)
    sync(account)
    assert (len(in_folder(mailbox, "Drafts")), len(in_folder(mailbox, "Sent"))) == (0, 1)


def test_a_draft_that_cannot_be_sent_stays(api: Client, account: Account, sink: Sink) -> None:
    draft = post(api, account, "/drafts", subject="To nobody").json()["data"]
    post(api, account, f"/drafts/{draft['id']}", 400)
    assert get(api, account, f"/drafts/{draft['id']}")["subject"] == "To nobody"


def test_a_message_is_scheduled_listed_and_cancelled(api: Client, account: Account, sink: Sink) -> None:
    at = int((timezone.now() + timedelta(minutes=10)).timestamp())
    body = post(api, account, "/messages/send", 202, to=BOB, subject="Later", send_at=at).json()
    schedule = body["schedule_id"]
    assert (body["data"]["schedule_id"], body["data"]["send_at"], body["data"]["to"]) == (schedule, at, BOB)
    (listed,) = get(api, account, "/messages/schedules")
    assert listed == get(api, account, f"/messages/schedules/{schedule}")
    assert (listed["schedule_id"], listed["status"]["code"]) == (schedule, "pending")
    answer = api.delete(f"/v3/grants/{account.pk}/messages/schedules/{schedule}")
    assert (answer.status_code, "message" in answer.json()["data"]) == (202, True)
    assert get(api, account, f"/messages/schedules/{schedule}")["status"]["code"] == "cancelled"
    get(api, account, f"/messages/schedules/{account.pk}", 404)
    for wrong in (at - 700, at + 31 * 86400, 2**39):
        assert "send_at" in post(api, account, "/messages/send", 400, to=BOB, send_at=wrong).json()["error"]["message"]
    assert sink.letters == []


def test_it_is_too_late_to_stop_what_was_sent(api: Client, account: Account) -> None:
    at = int((timezone.now() + timedelta(minutes=10)).timestamp())
    schedule = post(api, account, "/messages/send", 202, to=BOB, send_at=at).json()["schedule_id"]
    Outgoing.objects.update(next_try_at=timezone.now())
    sending.carry_on(Outgoing.objects.get().pk)
    answer = api.delete(f"/v3/grants/{account.pk}/messages/schedules/{schedule}")
    assert answer.status_code == 400
    assert "too late" in answer.json()["error"]["message"]
    assert get(api, account, f"/messages/schedules/{schedule}")["close_time"]


def test_a_message_of_the_authors_own_making_is_sent_as_it_is(
    api: Client, account: Account, mailbox: Mailbox, sink: Sink
) -> None:
    mime = b"From: alice@example.test\r\nTo: bob@example.test\r\nBcc: c@example.test\r\nX-A:  odd \r\n\r\nHi\r\n.\r\n"
    form = {"mime": SimpleUploadedFile("mime", mime)}
    answer = api.post(f"/v3/grants/{account.pk}/messages/send?type=mime", form)
    assert answer.status_code == 200, answer.content
    (letter,) = sink.letters
    assert letter.rcpt_tos == ["bob@example.test", "c@example.test"]
    assert isinstance(letter.content, bytes)
    assert letter.content.endswith(b"From: alice@example.test\r\nTo: bob@example.test\r\nX-A:  odd \r\n\r\nHi\r\n.\r\n")
    assert parsed(letter.content)["Message-ID"]
    wrong = {"mime": SimpleUploadedFile("mime", b"no message")}
    assert api.post(f"/v3/grants/{account.pk}/messages/send?type=mime", wrong).status_code == 400


def test_a_large_attachment_comes_in_a_form(api: Client, account: Account, sink: Sink) -> None:
    form = {
        "message": '{"to": [{"email": "bob@example.test"}], "subject": "Large"}',
        "file0": SimpleUploadedFile("big.bin", b"x" * 4_000_000, content_type="application/octet-stream"),
    }
    answer = api.post(f"/v3/grants/{account.pk}/messages/send", form)
    assert answer.status_code == 200, answer.content
    (attachment,) = parsed(sink.letters[0].content).iter_attachments()
    assert len(attachment.get_content()) == 4_000_000
    assert answer.json()["data"]["attachments"][0]["size"] == 4_000_000
