"""What applications note about a message stays with it, wherever the server puts it."""

import pytest

from mail.metadata import set_metadata
from mail.models import Folder, Message, Transaction
from tests.integration.mirroring import connected, fill, sync
from tests.integration.qresync_mailbox import *  # noqa: F403 -- fixtures
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


def test_metadata_survives_a_move_and_a_folder_that_is_mirrored_again(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.create_folder("X")
        fill(client, "INBOX", 3)
        account = connected(mailbox)
        sync(account)
        row = Message.objects.get(account=account, subject="INBOX 1")
        assert set_metadata(account.pk, row.pk, {"deal": "42"})
        assert Transaction.objects.filter(account_id=account.pk).latest("seq").object_id == row.thread_id
        client.select_folder("INBOX")
        client.move(client.search(["SUBJECT", "INBOX 1"]), "X")
    sync(account)
    mailbox.server.reset_uidvalidity(mailbox.user, "X")
    for _ in range(2):
        sync(account)
    found = Message.objects.get(pk=row.pk)
    assert found.folder_ids == [Folder.objects.get(account=account, name="X").pk]
    assert found.metadata == {"deal": "42"}
