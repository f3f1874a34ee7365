"""Servers that withhold a message, refuse for now, hang up, or say numbers and dates that cannot be."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.utils import timezone

from mail import lease
from mail.imap import fetching
from mail.imap.session import MailSession
from mail.mirror import sync_account
from mail.models import Folder, Gap, Message
from mail.types import ConnectionFailed, Fetched, FolderFailed
from tests.integration.mirroring import connected, fill, live, mirror_state, server_state, sync
from tests.integration.qresync_mailbox import *  # noqa: F403 -- fixtures
from tests.mailboxes import Mailbox, MailboxFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]


def test_a_uid_that_the_server_withholds_is_a_gap_and_is_asked_for_again(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mailbox.client() as client:
        fill(client, "INBOX", 4)
    account = connected(mailbox)
    bodies = MailSession.bodies
    with monkeypatch.context() as patch:
        # A server that skips a message, as Exchange does with corrupt ones: Dovecot never would.
        patch.setattr(
            MailSession,
            "bodies",
            lambda self, uids, **kw: (got for got in bodies(self, uids, **kw) if got.uid != 2),
        )
        sync(account)
        assert live(account)
        assert Gap.objects.get(folder__account=account).uid == 2
        sync(account)
        assert Gap.objects.get(folder__account=account).attempts == 1, "not asked for before its time"
        Gap.objects.update(next_try_at=timezone.now())
        sync(account)
        assert Gap.objects.get(folder__account=account).attempts == 2
    Gap.objects.update(next_try_at=timezone.now())
    sync(account)
    assert not Gap.objects.exists()
    with mailbox.client() as client:
        assert mirror_state(account) == server_state(client)


def test_a_server_that_refuses_every_fetch_for_now_does_not_make_a_live_folder_of_gaps(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mailbox.client() as client:
        fill(client, "INBOX", 12)
    account = connected(mailbox)

    def refuse(*_: object, **__: object) -> Iterator[Fetched]:
        raise FolderFailed("The server refuses the folder INBOX: [LIMIT] bandwidth exceeded, try later")

    monkeypatch.setattr(MailSession, "bodies", refuse)
    sync(account)
    folder = Folder.objects.get(account=account)
    assert (folder.state, Gap.objects.count()) == ("error", 0)


def test_a_message_that_makes_the_server_hang_up_does_not_stop_other_folders(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mailbox.client() as client:
        client.create_folder("Other")
        fill(client, "INBOX", 3)
        fill(client, "Other", 3)
    account = connected(mailbox)
    bodies = MailSession.bodies

    def crash(self: MailSession, uids: list[int], **options: bool) -> Iterator[object]:
        if self._folder == "INBOX" and 2 in uids:
            self.close()
            raise ConnectionFailed("the server dropped the connection.")
        yield from bodies(self, uids, **options)

    monkeypatch.setattr(MailSession, "bodies", crash)
    for _ in range(8):
        sync_account(account.id, lease.claim(account.id))
        Folder.objects.exclude(next_try_at=None).update(next_try_at=timezone.now())
    assert Message.objects.filter(account=account).count() == 5
    assert "ended the connection" in Gap.objects.get().reason


def test_old_flags_are_seen_on_a_full_server_with_sparse_uids(mailbox_factory: MailboxFactory) -> None:
    mailbox = mailbox_factory("full")
    with mailbox.client() as client:
        fill(client, "INBOX", 3)
        account = connected(mailbox)
        sync(account)
        mailbox.server.admin("mailbox", "update", "-u", mailbox.user, "--min-next-uid", "1700000000", "INBOX")
        fill(client, "INBOX", 1, start=10)
    for _ in range(5):
        sync(account)
    with mailbox.client() as client:
        client.select_folder("INBOX")
        client.add_flags([1], [b"\\Seen"])
    for _ in range(5):
        sync(account)
    with mailbox.client() as client:
        assert mirror_state(account) == server_state(client)


def test_a_status_count_beyond_31_bits_does_not_stop_the_account(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = connected(mailbox)
    folders = MailSession.folders
    monkeypatch.setattr(MailSession, "folders", lambda self: [replace(f, unseen=2**32 - 1) for f in folders(self)])
    sync(account)
    assert live(account)


@pytest.mark.parametrize("date", [b"31-Dec-9999 23:59:59 -1200", b"01-Jan-0001 00:00:00 +1400"])
def test_an_internaldate_at_the_end_of_time_does_not_stop_the_account(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, date: bytes
) -> None:
    with mailbox.client() as client:
        fill(client, "INBOX", 2)
    account = connected(mailbox)
    bodies = MailSession.bodies
    odd = fetching.received(date)
    monkeypatch.setattr(
        MailSession, "bodies", lambda self, uids, **kw: (m._replace(received_at=odd) for m in bodies(self, uids, **kw))
    )
    sync(account)
    assert len(list(Message.objects.all())) == 2


def test_mail_above_a_uidnext_that_lies_is_mirrored(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    with mailbox.client() as client:
        fill(client, "INBOX", 5)
    account = connected(mailbox)
    select = MailSession.select
    monkeypatch.setattr(MailSession, "select", lambda self, name, **kw: replace(select(self, name, **kw), uidnext=3))
    sync(account)
    sync(account)
    assert Message.objects.count() == 5
