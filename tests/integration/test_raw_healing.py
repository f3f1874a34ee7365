"""Contents that were lost or damaged come back from the server by themselves."""

import base64
import logging
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Account
from mail import audit, store
from mail.models import Folder, Gap, Message, Pack
from mail.raw.objects import store_at
from mail.raw.packing import FRAME
from mail.sync.visit import counts_disagree
from tasks.upkeep import upkeep
from tests.integration.factories import make_key
from tests.integration.mirroring import connected, log_of, mail, sync
from tests.integration.raw_stores import *  # noqa: F403 -- fixtures
from tests.integration.raw_stores import damage, keys_in, keys_of_packs, object_of, sound, watched
from tests.integration.scripted_inbox import Inbox, attempt, connected_to, holds
from tests.mailboxes import Mailbox, MailboxFactory
from tests.protocol.scripted import ScriptedServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted_loopback")]


@pytest.fixture
def mailbox(mailbox_factory: MailboxFactory) -> Mailbox:
    """On a server with QRESYNC: nothing else than the gap would make a sync look at the message."""
    mailbox = mailbox_factory("qresync")
    with mailbox.client() as client:
        for number in range(3):
            client.append("INBOX", mail(f"INBOX {number}", body=f"{number}" * FRAME))  # each in frames of its own
    return mailbox


@pytest.fixture
def account(raw_store: str, mailbox: Mailbox) -> Account:
    """Three mails, mirrored, their contents in each store in turn. Not due for an hour."""
    account = connected(mailbox)
    sync(account)
    Account.objects.filter(pk=account.pk).update(next_sync_at=timezone.now() + timedelta(hours=1))
    return account


def read(account: Account, message: Message) -> bytes:
    """The raw message over REST."""
    api = Client(headers={"authorization": f"Bearer {make_key(account.application)[1]}"})
    answer = api.get(f"/v3/grants/{account.pk}/messages/{message.pk}?fields=raw_mime")
    assert answer.status_code == 200, answer.content
    return base64.urlsafe_b64decode(answer.json()["data"]["raw_mime"])


def heal(account: Account) -> None:
    """What upkeep, the dispatcher and a worker do."""
    upkeep()
    account.refresh_from_db()
    assert account.next_sync_at is not None
    assert account.next_sync_at <= timezone.now(), "a sync is due"
    sync(account)


def is_whole(account: Account) -> bool:
    assert not Gap.objects.exists()
    assert not Message.objects.exclude(lost_at=None).exists()
    assert audit.run(account) == []
    return True


def test_a_damaged_message_is_fetched_again(account: Account, raw_store: str, caplog: pytest.LogCaptureFixture) -> None:
    message = Message.objects.get(account=account, subject="INBOX 1")
    whole, seq = read(account, message), len(log_of(account))
    damage(message, raw_store)
    with caplog.at_level(logging.ERROR):
        assert read(account, message) == b""
    assert str(message.pk) in caplog.text
    heal(account)
    assert read(account, message) == whole
    assert log_of(account, seq) == [], "no reader need hear of it"
    assert is_whole(account)


def test_a_deleted_object_is_fetched_again(account: Account, raw_store: str) -> None:
    messages = list(Message.objects.filter(account=account))
    if raw_store:
        store_at(raw_store).remove(object_of(messages[0]))
    else:
        Pack.objects.filter(account=account).delete()
    assert [read(account, message) for message in messages] == [b""] * 3
    heal(account)
    assert all(read(account, message).startswith(b"Subject: INBOX") for message in messages)
    assert is_whole(account)
    if raw_store:
        assert keys_in(raw_store) == keys_of_packs(raw_store)


def test_a_batch_is_one_object(objects: str, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    listening = watched(objects, monkeypatch)
    account = connected(mailbox)
    sync(account)
    assert len(listening.writes) == 1
    assert keys_in(objects) == keys_of_packs(objects) == set(listening.writes)
    assert is_whole(account)


@pytest.fixture
def lost(mailbox: Mailbox) -> Message:
    """A mail, mirrored, whose contents were found to be lost."""
    account = connected(mailbox)
    sync(account)
    message = Message.objects.get(account=account, subject="INBOX 1")
    damage(message, "")
    assert read(account, message) == b""
    return message


def test_a_gap_of_a_mirrored_message_is_not_counted_twice(lost: Message) -> None:
    assert store.ask_again() == {lost.account_id}
    (folder,) = store.local_folders(lost.account_id)
    assert (folder.mirrored, folder.gaps, folder.gap_due) == (3, 0, True)
    assert not counts_disagree(folder, 3)


def test_what_was_asked_for_is_not_asked_for_at_once_again(lost: Message) -> None:
    assert store.ask_again() == {lost.account_id}
    assert store.ask_again() == set()
    Gap.objects.update(next_try_at=timezone.now() + timedelta(hours=1), attempts=3)
    assert store.ask_again() == set(), "the server would not hand it out: that has its own patience"


def test_a_lost_message_that_was_expunged_goes(lost: Message, mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.select_folder("INBOX")
        client.delete_messages([2])
        client.expunge()
    heal(lost.account)
    assert not Message.objects.filter(pk=lost.pk).exists()
    assert is_whole(lost.account)


def test_a_copy_in_any_folder_will_do(lost: Message, mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.select_folder("INBOX")
        client.create_folder("Copies")
        client.copy([2], "Copies")
    sync(lost.account)
    assert is_whole(lost.account), "the copy that arrived brought its contents"


def test_new_mail_beside_a_lost_one_arrives(lost: Message, mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.append("INBOX", mail("new"))
    heal(lost.account)
    assert read(lost.account, Message.objects.get(account=lost.account, subject="new")).startswith(b"Subject: new")
    assert is_whole(lost.account)


def test_a_server_that_makes_up_other_octets_gets_another_message() -> None:
    inbox = Inbox()
    with ScriptedServer(inbox.script()) as server:
        account = connected_to(server)
        attempt(account)
        before = Message.objects.get(account=account, subject="mail 5")
        damage(before, "")
        read(account, before)
        inbox.mails[5] = mail("mail 5", body="made up anew")
        server.now(inbox.script())
        heal(account)
        after = Message.objects.get(account=account, subject="mail 5")
        assert after.pk != before.pk
        assert b"made up anew" in read(account, after)
        assert holds(account, inbox)
    assert Folder.objects.get(account=account).mirrored_count == 3
    assert sound(account)


def test_a_store_that_is_down_fails_the_sync_and_loses_nothing(mailbox: Mailbox, settings: Settings) -> None:
    settings.SYNCFARM_RAW_STORE = "s3://mail?endpoint=http://127.0.0.1:1&region=eu-central-1"
    account = connected(mailbox)
    with pytest.raises(Exception, match="store of raw mail"):
        sync(account)
    account.refresh_from_db()
    assert (account.state, account.failures) == ("error", 1)
    assert not Message.objects.exists()
    settings.SYNCFARM_RAW_STORE = ""
    sync(account)
    assert Folder.objects.get(account=account).mirrored_count == 3
    assert is_whole(account)
