"""Folders that cannot be selected any more, that break, or vanish: the others go on, and the mirror is right."""

from datetime import timedelta

import pytest
from django.utils import timezone

from mail.imap.session import MailSession
from mail.models import Folder, Location, Message
from mail.types import FolderFailed, Selected, SyncPoint
from tests.integration.mirroring import connected, fill, live, sync
from tests.integration.qresync_mailbox import *  # noqa: F403 -- fixtures
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


def test_a_folder_that_becomes_noselect_loses_its_mail(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.create_folder("P")
        client.create_folder("P/C")
        fill(client, "P", 3)
        account = connected(mailbox)
        sync(account)
        client.delete_folder("P")
        sync(account)
        sync(account)
        assert Location.objects.filter(folder__account=account).count() == 0
        assert Message.objects.filter(account=account).count() == 0


def test_an_account_becomes_live_though_an_unfinished_folder_turned_noselect(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.sync.visit.BATCH_MESSAGES", 2)
    with mailbox.client() as client:
        client.create_folder("P")
        client.create_folder("P/C")
        fill(client, "P", 9)
        account = connected(mailbox)
        sync(account, budget=timedelta(0))
        assert Folder.objects.get(account=account, name="P").backfill_uid > 1
        client.delete_folder("P")
    for _ in range(4):
        result = sync(account)
    assert not result.more
    assert live(account)


def test_a_broken_folder_does_not_stop_the_others(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.create_folder("Broken")
        fill(client, "Broken", 2)
        fill(client, "INBOX", 2)
    account = connected(mailbox)
    (directory,) = (mailbox.server.directory / "mail" / mailbox.user).rglob("Broken/dbox-Mails")
    directory.chmod(0)  # Dovecot cannot open it any more
    assert sync(account).failing == 1
    assert Message.objects.filter(account=account).count() == 2
    broken = Folder.objects.get(account=account, name="Broken")
    assert broken.state == "error"
    assert broken.error
    account.refresh_from_db()
    assert "1 folder" in account.reason
    directory.chmod(0o700)
    assert sync(account, thorough=True).failing == 0
    assert Message.objects.filter(account=account).count() == 4


def test_a_folder_that_the_server_opens_again_is_no_longer_in_error(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mailbox.client() as client:
        fill(client, "INBOX", 3)
    account = connected(mailbox)
    sync(account)

    def refuse(*_: object, **__: object) -> None:
        raise FolderFailed("not now")

    with monkeypatch.context() as patch:
        patch.setattr(MailSession, "select", refuse)
        assert sync(account, thorough=True).failing == 1
    Folder.objects.update(next_try_at=timezone.now())
    assert sync(account).failing == 0
    folder = Folder.objects.get(account=account)
    assert (folder.state, folder.error, folder.next_try_at) == ("live", "", None)


def test_a_folder_that_vanishes_between_list_and_select_is_no_failure(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mailbox.client() as client:
        client.create_folder("Gone")
        fill(client, "Gone", 2)
        account = connected(mailbox)
        select = MailSession.select

        def late(self: MailSession, name: str, since: SyncPoint | None = None) -> Selected:
            if name == "Gone":
                client.delete_folder("Gone")
            return select(self, name, since)

        monkeypatch.setattr(MailSession, "select", late)
        assert sync(account).failing == 0
    account.refresh_from_db()
    assert account.reason == ""
