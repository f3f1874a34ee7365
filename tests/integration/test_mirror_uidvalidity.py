"""UIDVALIDITYs that change, go back, or stay though all else is new: the mirror is right in the end."""

from datetime import timedelta

import pytest

from accounts.models import Account
from mail import audit, repair
from mail.models import Folder, Location
from tests.integration.mirroring import connected, fill, mirror_state, server_state, sync
from tests.integration.qresync_mailbox import *  # noqa: F403 -- fixtures
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


def _half_reset(mailbox: Mailbox, account: Account, to: int | None = None) -> None:
    mailbox.server.reset_uidvalidity(mailbox.user, "INBOX", to)
    sync(account, budget=timedelta(0))


def test_a_uidvalidity_that_goes_back_half_way_leaves_a_true_mirror(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.sync.visit.BATCH_MESSAGES", 2)
    with mailbox.client() as client:
        fill(client, "INBOX", 10)
        account = connected(mailbox)
        sync(account)
        first = Folder.objects.get(account=account, name="INBOX").uidvalidity
        _half_reset(mailbox, account)
    with mailbox.client() as client:
        client.select_folder("INBOX")
        client.delete_messages([1, 2])
        client.expunge()
        client.add_flags([3], [b"\\Flagged"])
    mailbox.server.reset_uidvalidity(mailbox.user, "INBOX", first)
    sync(account)
    sync(account)
    sync(account)
    with mailbox.client() as client:
        assert mirror_state(account) == server_state(client)
    folder = Folder.objects.get(account=account, name="INBOX")
    assert folder.mirrored_count == Location.objects.filter(folder=folder).count()


def test_a_repair_during_an_unfinished_reset_works(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with mailbox.client() as client:
        fill(client, "INBOX", 10)
    account = connected(mailbox)
    sync(account)
    with monkeypatch.context() as patch:
        patch.setattr("mail.sync.visit.BATCH_MESSAGES", 2)
        with mailbox.client() as client:
            client.select_folder("INBOX")
            for uid in (9, 10):  # other content under the UIDs: the old places of 9 and 10 stay
                client.delete_messages([uid])
            client.expunge()
            fill(client, "INBOX", 3, start=50)
        mailbox.server.reset_uidvalidity(mailbox.user, "INBOX")
        sync(account, budget=timedelta(0))
    folder = Folder.objects.get(account=account, name="INBOX")
    Location.objects.filter(folder=folder).values_list("uidvalidity", "uid")
    # the same UID under both UIDVALIDITYs, as on a server that numbers anew
    old = Location.objects.filter(folder=folder).exclude(uidvalidity=folder.uidvalidity or 0).first()
    new = Location.objects.filter(folder=folder, uidvalidity=folder.uidvalidity or 0).first()
    assert old
    assert new
    Location.objects.create(
        folder=folder, uidvalidity=old.uidvalidity, uid=new.uid, message_id=old.message_id, received_at=old.received_at
    )
    repair.repair(account, audit.run(account))


def test_an_expunge_after_a_uidvalidity_went_back_does_not_stop_the_account(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("mail.sync.visit.BATCH_MESSAGES", 2)
        with mailbox.client() as client:
            fill(client, "INBOX", 10)
        account = connected(mailbox)
        sync(account)
        first = Folder.objects.get(account=account, name="INBOX").uidvalidity
        _half_reset(mailbox, account)
    mailbox.server.reset_uidvalidity(mailbox.user, "INBOX", first)
    sync(account)
    with mailbox.client() as client:
        client.select_folder("INBOX")
        client.delete_messages([1, 2, 3, 4, 5])
        client.expunge()
    sync(account)
    sync(account)


def test_two_resets_half_way_leave_a_true_mirror(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mail.sync.visit.BATCH_MESSAGES", 2)
    with mailbox.client() as client:
        fill(client, "INBOX", 10)
        account = connected(mailbox)
        sync(account)
        _half_reset(mailbox, account)
        _half_reset(mailbox, account)
    with mailbox.client() as client:
        client.select_folder("INBOX")
        client.delete_messages([1, 9])
        client.expunge()
    sync(account)
    with mailbox.client() as client:
        assert mirror_state(account) == server_state(client)
    assert audit.run(account) == []


def test_a_folder_made_anew_under_its_name_and_uidvalidity_shows_its_new_mail(mailbox: Mailbox) -> None:
    """A restored backup, or a server that gives every folder one UIDVALIDITY: UIDNEXT goes back, UIDs are used again."""
    with mailbox.client() as client:
        client.create_folder("X")
        fill(client, "X", 6)
        account = connected(mailbox)
        sync(account)
        validity = Folder.objects.get(account=account, name="X").uidvalidity
        client.delete_folder("X")
        client.create_folder("X")
        fill(client, "X", 4, start=100)
    mailbox.server.reset_uidvalidity(mailbox.user, "X", validity)
    for _ in range(3):
        sync(account)
    with mailbox.client() as client:
        assert mirror_state(account) == server_state(client)
