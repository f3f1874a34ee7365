"""The watch process on real servers: hints become wishes, accounts come, change and go, and each says how it stands."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts import credentials
from accounts.models import Account
from mail import intent
from mail.watch import keeper, pacing, process
from mail.watch.process import Watching
from tests.integration.mirroring import connected
from tests.mailboxes import Mailbox, MailboxFactory
from tests.protocol.scripted import DROP, ScriptedServer
from tests.waiting import wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted_loopback")]
MAIL = b"Subject: new\r\n\r\nHello\r\n"
LATER = timedelta(hours=1)


@pytest.fixture(autouse=True)
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "TICK", 0.2)
    monkeypatch.setattr(pacing, "FIRST", 0.2)


@contextmanager
def watching(capacity: int = 100) -> Iterator[Watching]:
    """A process's work, in a thread."""
    started: list[tuple[Watching, asyncio.AbstractEventLoop, asyncio.Event]] = []
    ready = threading.Event()

    async def run() -> None:
        stop = asyncio.Event()
        started.append((Watching(capacity), asyncio.get_running_loop(), stop))
        ready.set()
        await started[0][0].run(stop)

    failures: list[BaseException] = []

    def target() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:  # noqa: BLE001 -- raised below, where it is seen
            failures.append(error)
            ready.set()

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    ready.wait(10)
    watch, loop, stop = started[0]
    try:
        yield watch
    finally:
        if thread.is_alive():
            loop.call_soon_threadsafe(stop.set)
        thread.join(20)
    assert not failures, failures
    assert not thread.is_alive()


def live(mailbox: Mailbox) -> Account:
    account = connected(mailbox)
    Account.objects.filter(pk=account.pk).update(state="live", next_sync_at=timezone.now() + LATER)
    return account


def stands(account: Account, mode: str) -> bool:
    return Account.objects.filter(pk=account.pk, watch_mode=mode).exists()


def is_due(account: Account) -> bool:
    return Account.objects.filter(pk=account.pk, next_sync_at__lte=timezone.now()).exists()


def rest(account: Account) -> None:
    """As after a sync."""
    Account.objects.filter(pk=account.pk).update(next_sync_at=timezone.now() + LATER)


def watched(account: Account, mode: str = "notify") -> None:
    """Once its watch stands and has asked for what was missed."""
    wait_until(lambda: stands(account, mode))
    wait_until(lambda: is_due(account))
    rest(account)


def test_a_change_in_any_folder_is_a_wish(mailbox_factory: MailboxFactory) -> None:
    mailbox = mailbox_factory("qresync")
    account = live(mailbox)
    with mailbox.client() as other, watching():
        other.create_folder("Kept")
        watched(account)
        other.append("Kept", MAIL)
        wait_until(lambda: is_due(account), 3)
        after = Account.objects.get(pk=account.pk)
        assert after.live_since is not None
        assert (after.watch_note, after.updated_at) == ("", account.updated_at)


def test_a_quiet_mailbox_is_left_alone(mailbox_factory: MailboxFactory) -> None:
    mailbox = mailbox_factory("qresync")
    account = live(mailbox)
    with mailbox.client() as other:  # Dovecot makes the inbox when it is first opened, and tells of that
        other.append("INBOX", MAIL)
        other.select_folder("INBOX", readonly=True)
    with watching():
        watched(account)
        time.sleep(2)
        assert not is_due(account)


@pytest.mark.parametrize(
    ("strategy", "mode", "words"),
    [("condstore", "idle", "inbox alone"), ("full", "polling", "neither NOTIFY nor IDLE")],
)
def test_what_a_server_cannot_tell_is_said(
    mailbox_factory: MailboxFactory, strategy: str, mode: str, words: str
) -> None:
    account = live(mailbox_factory(strategy))
    with watching():
        wait_until(lambda: words in Account.objects.get(pk=account.pk).watch_note)
    after = Account.objects.get(pk=account.pk)
    assert after.watch_mode == mode
    assert (after.live_since is None) == (mode == "polling")


def test_new_credentials_are_used_and_until_then_a_refused_login_is_not_tried_again(
    mailbox_factory: MailboxFactory,
) -> None:
    mailbox = mailbox_factory("qresync")
    account = live(mailbox)
    Account.objects.filter(pk=account.pk).update(credentials=credentials.seal({"imap_password": "stale"}))
    with watching():
        wait_until(lambda: "refuses the user name or password" in Account.objects.get(pk=account.pk).watch_note)
        attempts = (mailbox.server.directory / "log").read_text().count(f"user=<{mailbox.user}>")
        Account.objects.filter(pk=account.pk).update(updated_at=timezone.now())  # of something else
        time.sleep(2)
        assert (mailbox.server.directory / "log").read_text().count(f"user=<{mailbox.user}>") == attempts
        sealed = credentials.seal({"imap_password": mailbox.password})
        Account.objects.filter(pk=account.pk).update(credentials=sealed, updated_at=timezone.now())
        watched(account)
    assert "stale" not in Account.objects.get(pk=account.pk).watch_note


def test_what_is_paused_is_left(mailbox_factory: MailboxFactory) -> None:
    mailbox = mailbox_factory("qresync")
    account = live(mailbox)
    with watching():
        watched(account)
        assert mailbox.user in mailbox.server.admin("who")
        intent.pause(account.pk)
        wait_until(lambda: mailbox.user not in mailbox.server.admin("who"))
    after = Account.objects.get(pk=account.pk)
    assert (after.watcher, after.watch_mode, after.live_since) == (None, "polling", None)


def test_a_server_that_comes_back_is_watched_again_and_what_was_missed_is_asked_for(
    mailbox_factory: MailboxFactory,
) -> None:
    mailbox = mailbox_factory("qresync")
    account = live(mailbox)
    with watching():
        watched(account)
        mailbox.server.kill()
        wait_until(lambda: stands(account, "polling"))
        assert "127.0.0.1" in Account.objects.get(pk=account.pk).watch_note
        assert not is_due(account)
        mailbox.server.restart()
        watched(account)


def test_a_server_that_hangs_up_again_and_again_is_tried_ever_more_rarely(mailbox_factory: MailboxFactory) -> None:
    with ScriptedServer({"LOGIN": DROP}) as server:
        mailbox = mailbox_factory("qresync")
        account = live(mailbox)
        Account.objects.filter(pk=account.pk).update(settings=account.settings | {"imap_port": server.port})
        with watching():
            wait_until(lambda: "dropped the connection" in Account.objects.get(pk=account.pk).watch_note)
            time.sleep(3)
    logins = sum(words.startswith(b"LOGIN") for words in server.heard)
    assert 2 <= logins <= 7  # after 0.1 to 0.2 s, 0.2 to 0.4, 0.4 to 0.8, …


def test_a_database_that_was_restarted_loses_no_wish(mailbox_factory: MailboxFactory) -> None:
    mailbox = mailbox_factory("qresync")
    account = live(mailbox)
    with mailbox.client() as other, watching():
        watched(account)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        other.append("INBOX", MAIL)
        wait_until(lambda: is_due(account), 5)
        assert stands(account, "notify")


def test_two_processes_share_and_one_takes_over(mailbox_factory: MailboxFactory) -> None:
    mailboxes = [mailbox_factory("qresync") for _ in range(4)]
    accounts = [live(mailbox) for mailbox in mailboxes]

    def of(watch: Watching) -> int:
        return Account.objects.filter(watcher=watch.watcher, watch_mode="notify").count()

    with watching() as first:
        with watching() as second:
            wait_until(lambda: of(first) == of(second) == 2)
        wait_until(lambda: of(first) == 4)
    for account in accounts:
        rest(account)


def test_a_bug_stops_one_account_and_is_told(mailbox_factory: MailboxFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    good, bad = live(mailbox_factory("qresync")), live(mailbox_factory("qresync"))
    keep = keeper.keep

    async def break_of_one(account_id: object, *others: object) -> None:
        if account_id == bad.pk:
            raise RuntimeError("a bug")
        await keep(account_id, *others)  # type: ignore[arg-type] # as it was called

    monkeypatch.setattr(process, "keep", break_of_one)
    with watching():
        watched(good)
        wait_until(lambda: "Syncfarm itself failed" in Account.objects.get(pk=bad.pk).watch_note)
