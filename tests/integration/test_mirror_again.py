"""What is lost is mirrored again, under the same ids."""

import pytest

from mail import audit, lease, repair, store
from mail.mirror import sync_account
from mail.models import Frame, Message
from tests.integration.mirroring import connected, fill, log_of, sync
from tests.integration.qresync_mailbox import *  # noqa: F403 -- fixtures
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


def test_a_repair_brings_back_a_raw_message(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        fill(client, "INBOX", 3)
    account = connected(mailbox)
    sync(account)
    Frame.objects.all().delete()
    found = audit.run(account)
    assert any("lost or damaged" in str(difference) for difference in found)
    repair.repair(account, found)
    assert audit.run(account) == []


def test_a_complete_remirror_gives_the_same_ids(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        fill(client, "INBOX", 3)
    account = connected(mailbox)
    sync(account)
    before, seq = set(Message.objects.values_list("id", flat=True)), len(log_of(account))
    token = lease.claim(account.id)
    with store.writing(account.id, token) as batch:
        for folder in store.local_folders(account.id):
            store.restart_folder(batch, folder)
    sync_account(account.id, token)
    assert set(Message.objects.values_list("id", flat=True)) == before
    assert not [entry for entry in log_of(account, seq) if entry[0] == "message"]
