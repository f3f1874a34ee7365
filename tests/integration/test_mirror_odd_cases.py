"""Mails that no index takes, servers that hang up, lie or go back in time, workers that meet: nothing stops for good."""

import contextlib
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection
from django.utils import timezone

from accounts.models import Account, AccountState
from api import filters
from mail import audit, intent, lease, repair, search, store
from mail.imap import fetching
from mail.imap.session import MailSession
from mail.mirror import sync_account
from mail.models import Folder, Frame, Gap, Location, Message
from mail.types import ConnectionFailed, Fetched, FolderFailed, LeaseLost, Selected, SyncPoint
from tests.integration.guard import guarded_log
from tests.integration.mirroring import (
    connected,
    fill,
    live,
    mail,
    mirror_state,
    server_state,
    sync,
)
from tests.integration.raw_stores import sound
from tests.mailboxes import Mailbox, MailboxFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _guarded(transactional_db: None, trusted_loopback: None) -> Iterator[None]:
    with guarded_log():
        yield


@pytest.fixture
def mailbox(mailbox_factory: MailboxFactory) -> Mailbox:
    return mailbox_factory("qresync")


def test_a_message_id_of_long_unicode_does_not_stop_the_account(mailbox: Mailbox) -> None:
    long = "".join(chr(random.randrange(0x4E00, 0x9FA0)) for _ in range(990))
    with mailbox.client() as client:
        fill(client, "INBOX", 2)
        client.append("INBOX", f"Subject: poison\r\nMessage-ID: <{long}@x>\r\n\r\nhi\r\n".encode())
        account = connected(mailbox)
        sync(account)
        assert mirror_state(account) == server_state(client)


def test_an_address_of_three_thousand_characters_does_not_stop_the_account(mailbox: Mailbox) -> None:
    long = "".join(random.choice("abcdefghijklmnopqrstuvwxyz0123456789") for _ in range(9000))
    with mailbox.client() as client:
        fill(client, "INBOX", 2)
        client.append("INBOX", f"Subject: poison\r\nTo: {long}@example.test\r\n\r\nhi\r\n".encode())
        account = connected(mailbox)
        sync(account)
        assert mirror_state(account) == server_state(client)


def test_a_message_that_no_table_takes_is_a_gap_and_stops_nobody(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.store.rows.ADDRESS_OCTETS", 100_000)  # more than an index entry holds
    with mailbox.client() as client:
        fill(client, "INBOX", 2)
        noise = "".join(chr(random.randrange(0x4E00, 0x9FA0)) for _ in range(9000))
        client.append("INBOX", f"Subject: poison\r\nFrom: <{noise}@x>\r\n\r\nhi\r\n".encode())
        fill(client, "INBOX", 2, start=10)
    account = connected(mailbox)
    sync(account)
    assert live(account)
    assert Message.objects.filter(account=account).count() == 4
    gap = Gap.objects.get(folder__account=account)
    assert (gap.uid, "cannot be stored" in gap.reason) == (3, True)
    assert sound(account)


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


def test_a_turn_by_hand_leaves_a_paused_account_paused(mailbox: Mailbox) -> None:
    account = connected(mailbox)
    sync(account)
    intent.pause(account.id)
    with contextlib.suppress(LeaseLost):
        sync(account)
    account.refresh_from_db()
    assert account.state == AccountState.PAUSED
    assert account.next_sync_at is None


def test_a_task_that_is_delivered_twice_runs_once(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        fill(client, "INBOX", 3)
    account = connected(mailbox)
    token = lease.claim(account.id)
    second: list[object] = []

    def again() -> None:
        if not second:
            second.append("started")
            try:
                second.append(sync_account(account.id, token))
            except LeaseLost as error:
                second.append(error)

    with contextlib.suppress(LeaseLost):
        sync_account(account.id, token, on_commit=again)
    assert isinstance(second[1], LeaseLost)


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


def test_a_turn_does_not_examine_every_unfinished_folder_again(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.sync.visit.BATCH_MESSAGES", 2)
    with mailbox.client() as client:
        for number in range(8):
            client.create_folder(f"F{number}")
            fill(client, f"F{number}", 4)
    account = connected(mailbox)
    sync(account, budget=timedelta(0))
    selects: list[str] = []
    select = MailSession.select

    def noted(session: MailSession, name: str, since: SyncPoint | None = None) -> Selected:
        selects.append(name)
        return select(session, name, since)

    monkeypatch.setattr(MailSession, "select", noted)
    sync(account, budget=timedelta(0))
    assert len(selects) <= 2, selects


def test_the_same_mail_twice_in_a_folder_has_one_date(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.append("INBOX", mail("Twin"), msg_time=datetime(2020, 1, 1, tzinfo=UTC))
        client.append("INBOX", mail("Twin"), msg_time=datetime(2021, 1, 1, tzinfo=UTC))
    account = connected(mailbox)
    sync(account)
    assert set(Location.objects.values_list("received_at", flat=True)) == set(
        Message.objects.values_list("received_at", flat=True)
    )


def test_a_sweep_and_the_search_index_do_not_deadlock(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        fill(client, "INBOX", 3)
    account = connected(mailbox)
    sync(account)
    Message.objects.update(orphaned_at=timezone.now() - timedelta(hours=2))
    token = lease.claim(account.id)
    failed: list[Exception] = []

    def index() -> None:
        try:
            search.index_account(account.id)
        except DatabaseError as error:
            failed.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=index)
    with store.writing(account.id, token) as batch:
        thread.start()
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            batch.cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            if batch.cursor.fetchone()[0]:
                break
            time.sleep(0.02)
        store.sweep_orphans(batch, timezone.now())
        batch.cursor.execute("DELETE FROM mail_location")
    thread.join()
    assert not failed


def test_a_status_count_beyond_31_bits_does_not_stop_the_account(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = connected(mailbox)
    folders = MailSession.folders
    monkeypatch.setattr(MailSession, "folders", lambda self: [replace(f, unseen=2**32 - 1) for f in folders(self)])
    sync(account)
    assert live(account)


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


def test_one_folder_with_much_new_mail_does_not_hold_up_the_turn(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.sync.visit.BATCH_MESSAGES", 2)
    with mailbox.client() as client:
        account = connected(mailbox)
        sync(account)
        fill(client, "INBOX", 20)
        sync(account, budget=timedelta(0))
    assert Location.objects.count() < 20


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


def test_a_wish_that_comes_during_a_failing_turn_is_not_lost(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    account = connected(mailbox)
    sync(account)
    Account.objects.update(failures=8)

    def fail(*_: object) -> None:
        intent.request_sync(account.id)
        raise ConnectionFailed("gone")

    monkeypatch.setattr(MailSession, "folders", fail)
    sync_account(account.id, lease.claim(account.id))
    account.refresh_from_db()
    assert account.next_sync_at is not None
    assert account.next_sync_at <= timezone.now() + timedelta(minutes=1), account.next_sync_at - timezone.now()


def test_a_common_subject_does_not_crowd_out_the_candidates_of_others(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.store.threads.SUBJECT_CANDIDATES", 5)
    with mailbox.client() as client:
        client.append("INBOX", mail("Holiday plans", Message_ID="<h@x>"), msg_time=timezone.now() - timedelta(days=3))
        for number in range(6):
            client.append("INBOX", mail("Alarm", Message_ID=f"<a{number}@x>", X_N=str(number)))
        account = connected(mailbox)
        sync(account)
        client.append("INBOX", mail("Re: Holiday plans", Message_ID="<r@x>"))
        client.append("INBOX", mail("Alarm", Message_ID="<a9@x>"))
        sync(account)
    threads = set(Message.objects.filter(subject__contains="Holiday").values_list("thread_id", flat=True))
    assert len(threads) == 1


def test_twins_in_a_folder_are_listed_once(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        client.append("INBOX", mail("Twin"), msg_time=datetime(2020, 1, 1, tzinfo=UTC))
        client.append("INBOX", mail("Twin"), msg_time=datetime(2021, 1, 1, tzinfo=UTC))
    account = connected(mailbox)
    sync(account)
    query, when, key = filters.message_listing(account, {"in": [Folder.objects.get().id]})
    assert len(list(query.values_list(when, key))) == 1


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
        MailSession, "bodies", lambda self, uids, **kw: (replace(m, received_at=odd) for m in bodies(self, uids, **kw))
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


def test_a_mail_deleted_during_the_initial_sync_is_not_shown_until_its_end(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.sync.visit.BATCH_MESSAGES", 2)
    monkeypatch.setattr("mail.mirror.GRACE", timedelta(0))
    with mailbox.client() as client:
        fill(client, "INBOX", 20)
        account = connected(mailbox)
        sync(account, budget=timedelta(0))
        client.select_folder("INBOX")
        client.delete_messages([20])
        client.expunge()
        for _ in range(4):
            sync(account, budget=timedelta(0))
    assert not Message.objects.filter(subject="INBOX 19").exists()
