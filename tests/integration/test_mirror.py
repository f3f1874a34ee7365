"""Another client changes the mailbox; one sync brings the mirror to the server's state, on every strategy."""

from datetime import UTC, datetime

import pytest
from django.db import InternalError

from accounts.models import Account
from mail.models import Folder, Message, Thread
from tests.integration.mirroring import connected, fill, ids, live, log_of, mail, mirror_state, server_state, sync
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


def test_the_guard_catches_a_write_past_the_log(account: Account) -> None:
    with pytest.raises(InternalError, match="was not logged"):
        Message.objects.filter(account=account).update(unread=False)


@pytest.fixture
def account(mailbox: Mailbox) -> Account:
    """A mailbox of three folders and eleven mails, mirrored."""
    with mailbox.client() as client:
        for name in ("Entwürfe", "A/B & C".replace("/", "-"), "日本語"):
            client.create_folder(name)
        fill(client, "INBOX", 6)
        fill(client, "Entwürfe", 3, flags=("\\Seen", "$Forwarded"))
        fill(client, "日本語", 2)
    account = connected(mailbox)
    sync(account)
    return account


def agrees(account: Account, mailbox: Mailbox) -> bool:
    with mailbox.client() as client:
        assert mirror_state(account) == server_state(client)
    return True


def test_the_first_sync_mirrors_everything(account: Account, mailbox: Mailbox) -> None:
    assert agrees(account, mailbox)
    assert live(account)
    assert Message.objects.filter(account=account).count() == 11
    log = log_of(account)
    assert log.count(("message", "created")) == 11
    assert log.count(("thread", "created")) == 11


def test_a_sync_without_changes_writes_nothing_to_the_log(account: Account) -> None:
    before = len(log_of(account))
    sync(account)
    assert log_of(account, before) == []


def test_new_mail_arrives(account: Account, mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        fill(client, "INBOX", 2, start=100)
    sync(account)
    assert agrees(account, mailbox)
    assert "INBOX 101" in ids(account)


def test_flags_change(account: Account, mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.select_folder("INBOX")
        client.add_flags([1, 2], [b"\\Seen", b"custom"])
        client.add_flags([3], [b"\\Flagged"])
        client.select_folder("Entwürfe")
        client.remove_flags([1], [b"\\Seen"])
    before = len(log_of(account))
    sync(account)
    assert agrees(account, mailbox)
    assert Message.objects.get(account=account, subject="INBOX 2").starred
    assert Message.objects.get(account=account, subject="Entwürfe 0").unread
    log = log_of(account, before)
    assert log.count(("message", "updated")) == 4
    assert ("message", "created") not in log


def test_a_move_keeps_the_message_and_its_id(account: Account, mailbox: Mailbox) -> None:
    before, seq = ids(account), len(log_of(account))
    with mailbox.client() as client:
        client.select_folder("INBOX")
        client.copy([2], "日本語")
        client.delete_messages([2])
        client.expunge([2])
    sync(account)
    assert agrees(account, mailbox)
    assert ids(account) == before
    log = log_of(account, seq)
    assert ("message", "deleted") not in log
    assert ("message", "created") not in log
    moved = Message.objects.get(account=account, subject="INBOX 1")
    assert [str(folder) for folder in moved.folder_ids] == [str(Folder.objects.get(account=account, name="日本語").id)]


def test_a_copy_is_one_message_in_two_folders(account: Account, mailbox: Mailbox) -> None:
    before = ids(account)
    with mailbox.client() as client:
        client.select_folder("INBOX")
        client.copy([1, 2], "Entwürfe")
    sync(account)
    assert agrees(account, mailbox)
    assert ids(account) == before
    assert len(Message.objects.get(account=account, subject="INBOX 0").folder_ids) == 2


def test_an_expunge_deletes_the_message_and_its_thread(account: Account, mailbox: Mailbox) -> None:
    seq = len(log_of(account))
    with mailbox.client() as client:
        client.select_folder("INBOX")
        client.delete_messages([1, 4])
        client.expunge()
    sync(account)
    assert agrees(account, mailbox)
    assert not Message.objects.filter(account=account, subject__in=["INBOX 0", "INBOX 3"]).exists()
    log = log_of(account, seq)
    assert log.count(("message", "deleted")) == 2
    assert log.count(("thread", "deleted")) == 2


def test_an_expunge_hidden_by_new_mail_is_seen(account: Account, mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.select_folder("INBOX")
        client.delete_messages([3])
        client.expunge()
        fill(client, "INBOX", 1, start=50)
    sync(account)
    assert agrees(account, mailbox)


def test_a_folder_emptied_at_once_is_empty(account: Account, mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.select_folder("INBOX")
        client.delete_messages(client.search("ALL"))
        client.expunge()
    sync(account)
    assert agrees(account, mailbox)


def test_folders_are_created_renamed_and_deleted(account: Account, mailbox: Mailbox) -> None:
    seq = len(log_of(account))
    kept = Folder.objects.get(account=account, name="日本語").id
    with mailbox.client() as client:
        client.create_folder("New")
        fill(client, "New", 2)
        client.rename_folder("日本語", "Umbenannt")
        client.delete_folder("Entwürfe")
    sync(account)
    assert agrees(account, mailbox)
    assert Folder.objects.get(account=account, name="Umbenannt").id == kept
    log = log_of(account, seq)
    assert log.count(("message", "deleted")) == 3
    assert ("folder", "deleted") in log
    assert ("folder", "created") in log


def test_a_renamed_folder_is_not_copied_again(account: Account, mailbox: Mailbox) -> None:
    seq = len(log_of(account))
    with mailbox.client() as client:
        client.rename_folder("日本語", "Other")
    sync(account)
    assert agrees(account, mailbox)
    assert log_of(account, seq) == [("folder", "updated")]


def test_a_uidvalidity_reset_keeps_ids_and_floods_nobody(account: Account, mailbox: Mailbox) -> None:
    before, seq = ids(account), len(log_of(account))
    mailbox.server.reset_uidvalidity(mailbox.user, "INBOX")
    sync(account)
    assert agrees(account, mailbox)
    assert ids(account) == before
    assert not [entry for entry in log_of(account, seq) if entry[0] in ("message", "thread")]


def test_a_message_deleted_during_a_reset_goes(account: Account, mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.select_folder("INBOX")
        client.delete_messages([2])
        client.expunge()
    mailbox.server.reset_uidvalidity(mailbox.user, "INBOX")
    sync(account)
    assert agrees(account, mailbox)
    assert not Message.objects.filter(account=account, subject="INBOX 1").exists()


def test_replies_join_threads_in_whatever_order_they_come(account: Account, mailbox: Mailbox) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)  # of all: the thread has the subject of the earliest that is no reply
    with mailbox.client() as client:
        client.append("INBOX", mail("Re: Plan", Message_ID="<c@x>", References="<a@x> <b@x>"), msg_time=at)
        client.append("日本語", mail("Plan", Message_ID="<a@x>"), msg_time=at)
    sync(account)
    with mailbox.client() as client:
        client.append("INBOX", mail("Re: Plan", Message_ID="<b@x>", In_Reply_To="<a@x>"), msg_time=at)
    sync(account)
    assert Thread.objects.get(account=account, subject="Plan").message_count == 3
