"""Bounces of messages that were sent: noted once, told in the log, and of nobody else's."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Account
from mail import intent, search, sending, store
from mail.models import Body, Bounce, Folder, Message, Transaction
from mail.sending import Mail
from tests.integration.api_client import *  # noqa: F403 -- fixtures
from tests.integration.api_client import get
from tests.integration.factories import log_changes, make_account, make_folder, make_message
from tests.integration.mirroring import connected, log_of, mail, sync
from tests.mailboxes import MailboxFactory
from tests.unit.test_bounces import EXIM, report

pytestmark = pytest.mark.django_db(transaction=True)

STATUS = [{"part": 1, "filename": "", "content_type": "message/delivery-status", "size": 1,
           "content_id": "", "disposition": "", "is_inline": False}]  # fmt: skip
ME = [{"name": "Me", "email": "ME@example.test"}]


def sent(account: Account, *folders: Folder, header_id: str = "tea@example.test", **fields: Any) -> Message:
    return make_message(account, *folders, header_id=header_id, **{"from_addresses": ME, **fields})


def notified(account: Account, content: bytes = report(), **fields: Any) -> Message:
    """A notification that is mirrored, and of which nothing is made yet."""
    row = make_message(account, mail=content, **{"attachments": STATUS, **fields})
    Body.objects.filter(pk=row.pk).delete()
    log_changes(account, ("message", row.pk, "created"))
    return row


def index(account: Account) -> None:
    while search.lag(account.pk):
        search.index_account(account.pk)


def test_a_bounce_is_noted_and_told(account: Account, api: Client) -> None:
    original = sent(account)
    notice = notified(account)
    index(account)
    entries = get(api, account, "/delta")["data"]
    assert [(entry["object_type"], entry["kind"]) for entry in entries] == [
        ("message", "created"),
        ("bounce", "created"),
    ]
    row = Bounce.objects.get()
    assert entries[1]["object"] == {
        "id": str(row.pk),
        "grant_id": str(account.pk),
        "object": "bounce",
        "type": "hard",
        "message_id": str(notice.pk),
        "original_message_id": str(original.pk),
        "original_header_id": "tea@example.test",
        "bounced_addresses": [{"email": "ann@there.test", "status": "5.1.1", "reason": "550 5.1.1 No such user"}],
        "date": int(row.created_at.timestamp()),
    }


def test_a_notification_in_plain_text_is_known_by_who_writes_it(account: Account) -> None:
    sent(account)
    sender = [{"name": "Mail Delivery System", "email": "Mailer-Daemon@mx.test"}]
    notified(account, EXIM.encode(), attachments=[], from_addresses=sender)
    index(account)
    assert Bounce.objects.get().recipients[0]["address"] == "ann@there.test"


def test_what_lies_with_the_sent_mail_was_sent_whatever_its_address(account: Account) -> None:
    alias = [{"name": "", "email": "alias@example.test"}]
    sent(account, make_folder(account, "Gesendet", role="sent"), from_addresses=alias)
    notified(account)
    index(account)
    assert Bounce.objects.exists()


def test_a_notification_that_is_read_before_the_copy_is_there_is_noted(account: Account) -> None:
    letter = Mail(b"From: me@example.test\r\n\r\n", "tea@example.test", "Tea", "me@example.test", ("ann@there.test",))
    sending.queue(account.pk, letter)
    notified(account)
    index(account)
    assert Bounce.objects.get().original_message_id is None


def test_a_notification_of_what_was_never_sent_is_passed_over(account: Account) -> None:
    make_message(account, make_folder(account), header_id="tea@example.test")  # received, from somebody else
    sent(account, header_id="other@example.test")
    sent(make_account(), header_id="tea@example.test")
    notified(account)
    index(account)
    assert not Bounce.objects.exists()
    assert not Transaction.objects.filter(object_type="bounce").exists()


def test_it_is_noted_once_however_often_its_notification_is_read(account: Account) -> None:
    sent(account)
    notified(account)
    index(account)
    for _ in range(2):
        Account.objects.update(search_seq=0)
        index(account)
    Body.objects.all().delete()
    Account.objects.update(search_seq=0)
    index(account)
    assert Bounce.objects.count() == Transaction.objects.filter(object_type="bounce").count() == 1


class Died(BaseException):
    """Stands for a process that is gone."""


@pytest.mark.parametrize("dies_after", [False, True])
def test_who_dies_while_it_is_noted_leaves_it_to_the_next(
    account: Account, monkeypatch: pytest.MonkeyPatch, *, dies_after: bool
) -> None:
    sent(account)
    notified(account)
    record = store.record_bounces

    def dying(*given: Any) -> int:
        if dies_after:
            record(*given)
        raise Died

    with monkeypatch.context() as patched:
        patched.setattr(store, "record_bounces", dying)
        with pytest.raises(Died):
            search.index_account(account.pk)
    assert Body.objects.filter(message__header_id__endswith="@example.test").exists(), "its body is kept already"
    index(account)
    assert Bounce.objects.count() == Transaction.objects.filter(object_type="bounce").count() == 1


def test_the_note_and_its_entry_are_one(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    sent(account)
    notified(account)
    with monkeypatch.context() as patched:
        patched.setattr("mail.changes.append", lambda *_: (_ for _ in ()).throw(Died))
        with pytest.raises(Died):
            search.index_account(account.pk)
    assert not Bounce.objects.exists()
    index(account)
    assert Bounce.objects.count() == Transaction.objects.filter(object_type="bounce").count() == 1


def test_mail_that_is_no_notification_costs_no_statement(account: Account) -> None:
    def cost(count: int) -> int:
        for _ in range(count):
            row = make_message(account)
            log_changes(account, ("message", row.pk, "created"))
        Body.objects.all().delete()
        with CaptureQueriesContext(connection) as statements:
            search.index_account(account.pk)
        return len(statements)

    assert cost(1) == cost(20) == 6, "as without bounces (test_search_poison)"


def test_bounces_go_with_their_account_and_stay_without_their_notification(account: Account) -> None:
    sent(account)
    notice = notified(account)
    index(account)
    Message.objects.filter(pk=notice.pk).delete()
    assert Bounce.objects.exists()
    intent.remove(account.pk)
    store.remove_accounts()
    assert not Bounce.objects.exists()


@pytest.mark.usefixtures("guarded")
def test_of_a_mailbox_that_is_synced(mailbox_factory: MailboxFactory) -> None:
    mailbox = mailbox_factory("qresync")
    with mailbox.client() as client:
        client.create_folder("Sent")
        client.append("Sent", mail("Tea", Message_ID="<tea@example.test>"))
        client.append("INBOX", report().replace(b"\n", b"\r\n"))
        client.append("INBOX", report(returned="Message-ID: <forged@example.test>\n").replace(b"\n", b"\r\n"))
    account = connected(mailbox)
    while sync(account).more:
        pass
    index(account)
    row = Bounce.objects.get()
    assert (row.original_header_id, row.hard) == ("tea@example.test", True)
    assert Message.objects.get(pk=row.message_id).subject == "Undelivered Mail Returned to Sender"
    assert log_of(account).count(("bounce", "created")) == 1
