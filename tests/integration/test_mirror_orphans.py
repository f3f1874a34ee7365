"""Messages that lost their last place: did they move, or are they deleted?"""

import pytest
from django.utils import timezone

from mail.imap.session import MailSession
from mail.models import Gap, Message
from tests.integration.mirroring import connected, fill, log_of, mirror_state, server_state, sync
from tests.mailboxes import MailboxFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


def test_a_mail_that_moves_to_where_the_server_withholds_it_is_not_deleted_meanwhile(
    mailbox_factory: MailboxFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = mailbox_factory("qresync")
    with mailbox.client() as client:
        client.create_folder("Other")
        fill(client, "INBOX", 3)
        account = connected(mailbox)
        sync(account)
        client.select_folder("INBOX")
        client.move([2], "Other")
        with monkeypatch.context() as patch:
            patch.setattr(MailSession, "bodies", lambda *_, **__: iter(()))
            sync(account)
        assert Gap.objects.get(folder__account=account).attempts == 1
        assert Message.objects.filter(account=account).count() == 3
        Gap.objects.update(next_try_at=timezone.now())
        sync(account)
        assert mirror_state(account) == server_state(client)
    assert ("message", "deleted") not in log_of(account)


def test_a_mail_that_is_withheld_for_good_keeps_no_deleted_one_alive(
    mailbox_factory: MailboxFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = mailbox_factory("qresync")
    with mailbox.client() as client:
        client.create_folder("Other")
        fill(client, "INBOX", 3)
        account = connected(mailbox)
        sync(account)
        client.select_folder("INBOX")
        client.move([2], "Other")
        monkeypatch.setattr(MailSession, "bodies", lambda *_, **__: iter(()))
        sync(account)
        Gap.objects.update(next_try_at=timezone.now())
        sync(account)
    assert Gap.objects.get(folder__account=account).attempts == 2
    assert Message.objects.filter(account=account).count() == 2
