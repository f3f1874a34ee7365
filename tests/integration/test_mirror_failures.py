"""What goes wrong around a sync: kills, slow workers, refused folders, credentials, servers that go away."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import pairwise
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from accounts import credentials
from accounts.models import Account, AccountState, Host
from mail import intent, lease, store
from mail.imap.session import MailSession
from mail.imap.wire import Wire
from mail.mirror import sync_account
from mail.mirror.opening import HostIsDown
from mail.models import Folder, Frame, Gap, Location, Message, Pack, Transaction
from mail.types import AuthenticationFailed, ConnectionFailed, LeaseLost
from tests.integration.guard import guarded_log
from tests.integration.mirroring import (
    batches_of,
    connected,
    fill,
    live,
    log_of,
    mail,
    mirror_state,
    server_state,
    sync,
)
from tests.mailboxes import Mailbox, MailboxFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _guarded(transactional_db: None, trusted_loopback: None) -> Iterator[None]:
    with guarded_log():
        yield


@pytest.fixture
def mailbox(mailbox_factory: MailboxFactory) -> Mailbox:
    return mailbox_factory("qresync")


class Killed(BaseException):
    """A kill -9, as far as one process can have it: nothing after it runs but what always runs."""


def _wish(wish: Callable[[UUID], bool], account: Account) -> None:
    wish(account.id)


def killed_after(commits: int) -> Callable[[], None]:
    left = [commits]

    def commit() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise Killed

    return commit


@pytest.mark.parametrize("commits", range(12))
def test_a_sync_killed_after_any_commit_goes_on_where_it_stopped(mailbox: Mailbox, commits: int) -> None:
    with mailbox.client() as client:
        client.create_folder("Other")
        fill(client, "INBOX", 5)
        fill(client, "Other", 5)
        account = connected(mailbox)
        with pytest.raises(Killed):
            sync(account, on_commit=killed_after(commits % 3))
        fill(client, "INBOX", 1, start=10)
        client.select_folder("INBOX")
        client.move([2], "Other")
        client.add_flags([3], [b"\\Seen"])
        for more in range(commits):
            try:
                sync(account, on_commit=killed_after(more % 4))
            except Killed:
                continue
        sync(account)
        assert mirror_state(account) == server_state(client)
    log = log_of(account)
    assert log.count(("message", "created")) == 11
    assert ("message", "deleted") not in log


def test_the_initial_sync_is_newest_first_and_in_checkpointed_batches(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.sync.visit.BATCH_MESSAGES", 3)
    with mailbox.client() as client:
        fill(client, "INBOX", 10)
    account = connected(mailbox)
    seen = []

    def note() -> None:
        seen.append(sorted(Location.objects.filter(folder__account=account).values_list("uid", flat=True)))

    sync(account, on_commit=note)
    growth = [uids for before, uids in pairwise(seen) if uids != before]
    assert growth == [[8, 9, 10], [5, 6, 7, 8, 9, 10], list(range(2, 11)), list(range(1, 11))]


def test_new_mail_does_not_wait_behind_the_initial_sync(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mail.sync.visit.BATCH_MESSAGES", 2)
    with mailbox.client() as client:
        fill(client, "INBOX", 10)
        account = connected(mailbox)
        for turn in batches_of(account):
            if turn == 2:
                fill(client, "INBOX", 1, start=77)
            if turn == 3:
                assert Message.objects.filter(account=account, subject="INBOX 77").exists()
                assert not live(account)
        assert mirror_state(account) == server_state(client)
    assert live(account)


def test_no_database_connection_is_held_while_the_server_is_waited_for(
    mailbox: Mailbox, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SYNCFARM_DATABASE_CONNECTIONS = 20
    held: list[object] = []
    stream = Wire.stream

    def noted(wire: Wire, *command: bytes) -> object:
        held.append(connection.connection)
        return stream(wire, *command)

    monkeypatch.setattr(Wire, "stream", noted)
    with mailbox.client() as client:
        fill(client, "INBOX", 3)
    account = connected(mailbox)
    sync(account)
    assert len(held) > 3
    assert set(held) == {None}


def test_a_worker_that_lost_its_lease_writes_nothing(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        fill(client, "INBOX", 3)
    account = connected(mailbox)
    stale = lease.claim(account.id)
    Account.objects.filter(id=account.id).update(lease_token=uuid4())
    with pytest.raises(LeaseLost):
        sync_account(account.id, stale)
    with pytest.raises(LeaseLost), store.writing(account.id, stale) as batch:
        batch.log("folder", uuid4(), "created")
    assert not Transaction.objects.filter(account=account).exists()


def test_an_account_is_claimed_by_one_worker_and_again_when_the_claim_lapses(mailbox: Mailbox) -> None:
    account = connected(mailbox)
    ((claimed, _token),) = lease.claim_due(10)
    assert claimed == account.id
    assert lease.claim_due(10) == []
    with pytest.raises(LeaseLost):
        lease.claim(account.id)
    Account.objects.filter(id=account.id).update(lease_expires_at=timezone.now() - timedelta(seconds=1))
    assert [claimed for claimed, _token in lease.claim_due(10)] == [account.id]


def test_pausing_stops_a_running_sync_at_its_next_batch(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        fill(client, "INBOX", 3)
    account = connected(mailbox)
    with pytest.raises(LeaseLost):
        sync_account(account.id, lease.claim(account.id), on_commit=lambda: _wish(intent.pause, account))
    account.refresh_from_db()
    assert (account.state, account.reason) == (AccountState.PAUSED, "Paused by an operator.")
    assert lease.claim_due(10) == []
    assert intent.resume(account.id)
    sync(account)
    assert live(account)


def test_a_wish_that_comes_during_a_sync_is_not_lost(mailbox: Mailbox) -> None:
    account = connected(mailbox)
    sync(account, on_commit=lambda: _wish(intent.request_sync, account))
    account.refresh_from_db()
    assert account.next_sync_at is not None
    assert account.next_sync_at <= timezone.now()


def test_a_wrong_password_stops_the_account_in_words_and_a_resume_revives_it(mailbox: Mailbox) -> None:
    account = connected(mailbox)
    right = account.credentials
    Account.objects.filter(id=account.id).update(credentials=credentials.seal({"imap_password": "wrong"}))
    with pytest.raises(AuthenticationFailed):
        sync(account)
    account.refresh_from_db()
    assert account.state == AccountState.INVALID
    assert account.next_sync_at is None
    assert mailbox.user in account.reason
    assert ("grant", "updated") in log_of(account)
    Account.objects.filter(id=account.id).update(credentials=right)
    intent.resume(account.id)
    sync(account)
    assert live(account)
    assert account.reason == ""


def test_an_unreachable_server_backs_off_and_recovers_by_itself(mailbox: Mailbox) -> None:
    account = connected(mailbox)
    settings = account.settings
    Account.objects.filter(id=account.id).update(settings=settings | {"imap_port": 1})
    for failures in (1, 2, 3):
        with pytest.raises(ConnectionFailed):
            sync(account)
        account.refresh_from_db()
        assert (account.state, account.failures) == (AccountState.ERROR, failures)
        assert account.next_sync_at is not None
        wait = account.next_sync_at - timezone.now()
        assert wait > timedelta(seconds=3 * 2 ** (failures - 1))
    assert "127.0.0.1" in account.reason
    Account.objects.filter(id=account.id).update(settings=settings)
    sync(account)
    assert live(account)
    assert (account.failures, account.last_error) == (0, "")


def test_a_host_that_is_down_is_not_asked_for_every_account_of_it(mailbox_factory: MailboxFactory) -> None:
    accounts = [connected(mailbox_factory("qresync")) for _ in range(5)]
    port = accounts[0].settings["imap_port"]
    for account in accounts:
        Account.objects.filter(id=account.id).update(settings=account.settings | {"imap_port": 1})
    for account in accounts[:3]:
        with pytest.raises(ConnectionFailed, match="nobody listens"):
            sync(account)
    for account in accounts[3:]:
        with pytest.raises(HostIsDown, match=r"127\.0\.0\.1 has not answered lately"):
            sync(account)
        account.refresh_from_db()
        assert (account.state, account.failures) == (AccountState.ERROR, 0)
        assert account.next_sync_at is not None
        assert account.next_sync_at > timezone.now()
    for account in accounts:
        Account.objects.filter(id=account.id).update(settings=account.settings | {"imap_port": port})
    Host.objects.update(name=f"127.0.0.1:{port}", retry_at=timezone.now())
    for account in accounts:
        sync(account)
        assert live(account)
    assert not Host.objects.exists()


def test_credentials_that_no_key_opens_are_said_so(mailbox: Mailbox) -> None:
    account = connected(mailbox)
    Account.objects.filter(id=account.id).update(credentials=b"nonsense")
    with pytest.raises(AuthenticationFailed, match="SYNCFARM_SECRET_KEYS"):
        sync(account)


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


def test_a_message_over_the_cap_is_listed_with_its_header_and_marked(mailbox: Mailbox, settings: Settings) -> None:
    settings.SYNCFARM_MAX_MESSAGE_BYTES = 10_000
    with mailbox.client() as client:
        client.append("INBOX", mail("Huge", body="x" * 20_000))
        client.append("INBOX", mail("Small"))
    account = connected(mailbox)
    sync(account)
    huge = Message.objects.get(account=account, subject="Huge")
    assert "only the header is mirrored" in huge.problem
    assert huge.size > 20_000
    assert Message.objects.get(account=account, subject="Small").problem == ""


def test_a_mail_that_nobody_can_parse_is_stored_raw_and_listed(mailbox: Mailbox) -> None:
    garbage = bytes(range(1, 256)) * 3 + b"\r\n\r\n\xff\xfe"
    with mailbox.client() as client:
        client.append("INBOX", garbage.replace(b"\r", b"").replace(b"\n", b"\r\n"))
        client.append("INBOX", b"\r\n")
        account = connected(mailbox)
        sync(account)
        assert mirror_state(account) == server_state(client)
    assert Message.objects.filter(account=account).count() == 2


def test_removal_hides_the_account_at_once_and_upkeep_deletes_everything(mailbox: Mailbox) -> None:
    with mailbox.client() as client:
        fill(client, "INBOX", 3)
    account = connected(mailbox)
    sync(account)
    assert intent.remove(account.id)
    assert not Account.objects.present().exists()
    assert store.remove_accounts() == 1
    for model in (Account, Message, Location, Pack, Frame, Transaction, Folder):
        assert not model._default_manager.exists()


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
