"""Connecting mailboxes of a real Dovecot."""

import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from accounts.credentials import unseal
from accounts.models import Account, AccountState, Application
from mail import changes, intent
from mail.connecting import ConnectOptions, ConnectRefused, connect
from mail.imap.session import MailSession
from tests.mailboxes import Mailbox, MailboxFactory
from tests.protocol.scripted import DRIP, ScriptedServer

pytestmark = pytest.mark.django_db


@pytest.fixture
def mailbox(mailbox_factory: MailboxFactory, settings: Any) -> Mailbox:
    settings.SYNCFARM_TRUSTED_HOSTS = ["127.0.0.1"]
    return mailbox_factory("qresync")


@pytest.fixture
def application() -> Application:
    return Application.objects.create(name="shop")


def options(mailbox: Mailbox, **different: Any) -> ConnectOptions:
    settings: dict[str, Any] = {
        "imap_host": mailbox.host,
        "imap_port": mailbox.port,
        "imap_security": "none",
        "imap_password": mailbox.password,
    }
    return ConnectOptions(**(settings | different))


def log_of(account: Account) -> list[tuple[int, str, uuid.UUID, str]]:
    return [
        (entry.seq, entry.object_type, entry.object_id, entry.kind)
        for entry in changes.read(account.id, 0, 100).changes
    ]


def test_a_connected_mailbox_is_saved_due_at_once_and_in_the_log(application: Application, mailbox: Mailbox) -> None:
    account = connect(application, mailbox.user.title(), options(mailbox, imap_username=mailbox.user, name="Ann"))
    account.refresh_from_db()
    assert (account.email, account.name, account.provider) == (mailbox.user, "Ann", "imap")
    assert account.settings == {
        "imap_host": "127.0.0.1",
        "imap_port": mailbox.port,
        "imap_security": "none",
        "imap_username": mailbox.user,
    }
    assert unseal(account.credentials) == {"imap_password": mailbox.password}
    assert account.state == AccountState.CONNECTING
    assert account.next_sync_at is not None
    assert account.next_sync_at <= timezone.now()
    assert log_of(account) == [(1, "grant", account.pk, "created")]


def test_a_sync_is_asked_for_after_the_commit(
    application: Application, mailbox: Mailbox, django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True) as callbacks:
        account = connect(application, mailbox.user, options(mailbox))
        Account.objects.filter(pk=account.pk).update(next_sync_at=None)
    account.refresh_from_db()
    assert callbacks
    assert account.next_sync_at is not None


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_trusted_host_needs_no_certificate_of_a_public_authority(
    application: Application, mailbox: Mailbox, security: str
) -> None:
    port = mailbox.server.tls_port if security == "tls" else mailbox.port
    account = connect(application, mailbox.user, options(mailbox, imap_port=port, imap_security=security))
    assert account.settings["imap_security"] == security


def test_the_submission_server_is_kept_with_its_own_password(application: Application, mailbox: Mailbox) -> None:
    wanted = options(mailbox, smtp_host="smtp.example.test", smtp_port=587, smtp_password="other")
    account = connect(application, mailbox.user, wanted)
    assert account.settings["smtp_host"] == "smtp.example.test"
    assert account.settings["smtp_security"] == "starttls"
    assert account.settings["smtp_username"] == mailbox.user
    assert unseal(account.credentials)["smtp_password"] == "other"


def test_no_secret_shows_in_options_settings_or_refusals(application: Application, mailbox: Mailbox) -> None:
    wanted = options(mailbox, imap_password="hunter2-wrong", smtp_password="hunter2-out")
    with pytest.raises(ConnectRefused) as refusal:
        connect(application, mailbox.user, wanted)
    assert "hunter2" not in repr(wanted) + str(refusal.value) + repr(refusal.value)


def test_a_wrong_password_is_refused_and_nothing_is_saved(application: Application, mailbox: Mailbox) -> None:
    with pytest.raises(ConnectRefused, match="refuses the user name or password") as refusal:
        connect(application, mailbox.user, options(mailbox, imap_password="wrong"))
    assert refusal.value.field == "imap_password"
    assert not Account.objects.exists()


def test_a_port_where_nobody_listens_is_refused(application: Application, mailbox: Mailbox) -> None:
    with pytest.raises(ConnectRefused, match="nobody listens") as refusal:
        connect(application, mailbox.user, options(mailbox, imap_port=1))
    assert refusal.value.field == "imap_host"


def test_a_server_that_sends_more_than_memory_holds_is_refused(
    application: Application, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(_: MailSession) -> None:
        raise MemoryError

    monkeypatch.setattr(MailSession, "folders", exhausted)
    with pytest.raises(ConnectRefused, match="memory") as refusal:
        connect(application, mailbox.user, options(mailbox))
    assert refusal.value.field == "imap_host"


def test_a_server_that_drips_is_refused_in_time(
    application: Application, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.connecting._CHECK_SECONDS", 0.5)
    with (
        ScriptedServer({"LIST": b"* LIST () " + DRIP}) as server,
        pytest.raises(ConnectRefused, match=r"did not finish in 0\.5 seconds") as refusal,
    ):
        connect(application, mailbox.user, options(mailbox, imap_port=server.login.port))
    assert refusal.value.field == "imap_host"


def test_a_private_host_is_refused_unless_trusted(application: Application, mailbox: Mailbox, settings: Any) -> None:
    settings.SYNCFARM_TRUSTED_HOSTS = []
    with pytest.raises(ConnectRefused, match="no address on the public internet") as refusal:
        connect(application, mailbox.user, options(mailbox, imap_security="tls"))
    assert refusal.value.field == "imap_host"


@pytest.mark.parametrize(
    ("email", "different", "field", "words"),
    [
        ("no address", {}, "email", "not an e-mail address"),
        ("Ann <ann@example.test>", {}, "email", "not an e-mail address"),
        (f"{'a' * 320}@example.test", {}, "email", "not an e-mail address"),
        ("ann@example.test", {"imap_password": ""}, "imap_password", "password is needed"),
        ("ann@example.test", {"imap_password": "a\r\nb"}, "imap_password", "line break"),
        ("ann@example.test", {"smtp_host": "a\0b"}, "smtp_host", "NUL"),
        ("ann@example.test", {"imap_port": 65536}, "imap_port", "65535"),
        ("ann@example.test", {"imap_security": "ssl"}, "imap_security", "tls, starttls or none"),
        ("ann@example.test", {"smtp_host": "mx.example.test", "smtp_security": "none"}, "smtp_security", "readable"),
        ("ann@example.test", {"name": "x" * 201}, "name", "200"),
        ("ann@proton.me", {"imap_host": ""}, "imap_host", "Bridge"),
    ],
)
def test_a_wrong_setting_is_named_in_words(
    application: Application, mailbox: Mailbox, email: str, different: dict[str, Any], field: str, words: str
) -> None:
    with pytest.raises(ConnectRefused, match=words) as refusal:
        connect(application, email, options(mailbox, **different))
    assert refusal.value.field == field
    assert not Account.objects.exists()


def test_a_password_is_never_sent_in_the_clear_to_an_untrusted_host(
    application: Application, mailbox: Mailbox, settings: Any
) -> None:
    settings.SYNCFARM_TRUSTED_HOSTS = []
    with pytest.raises(ConnectRefused, match="would travel readable") as refusal:
        connect(application, mailbox.user, options(mailbox))
    assert refusal.value.field == "imap_security"


def test_connecting_again_keeps_id_and_data_and_takes_the_new_settings(
    application: Application, mailbox: Mailbox
) -> None:
    first = connect(application, mailbox.user, options(mailbox, name="Ann"))
    mailbox.server.add_user(f"new-{mailbox.user}", "changed")
    again = options(
        mailbox,
        imap_password="changed",
        imap_port=mailbox.server.tls_port,
        imap_security="tls",
        imap_username=f"new-{mailbox.user}",
    )
    second = connect(application, mailbox.user.title(), again)
    second.refresh_from_db()
    assert (second.pk, second.name) == (first.pk, "Ann")
    assert second.settings["imap_security"] == "tls"
    assert unseal(second.credentials) == {"imap_password": "changed"}
    assert log_of(second) == [(1, "grant", first.pk, "created"), (2, "grant", first.pk, "updated")]


@pytest.mark.parametrize(
    ("before", "after", "due"),
    [
        (AccountState.INVALID, AccountState.CONNECTING, True),
        (AccountState.ERROR, AccountState.CONNECTING, True),
        (AccountState.LIVE, AccountState.LIVE, True),
        (AccountState.PAUSED, AccountState.PAUSED, False),
    ],
)
def test_connecting_again_revives_what_failed_and_leaves_an_operators_pause(
    application: Application, mailbox: Mailbox, before: AccountState, after: AccountState, due: bool
) -> None:
    account = connect(application, mailbox.user, options(mailbox))
    Account.objects.filter(pk=account.pk).update(state=before, reason="because", failures=7, next_sync_at=None)
    connect(application, mailbox.user, options(mailbox))
    account.refresh_from_db()
    assert account.state == after
    assert (account.reason, account.failures) == (("", 0) if before != after else ("because", 7))
    assert (account.next_sync_at is not None) == due


def test_a_sync_with_the_old_credentials_loses_its_lease(application: Application, mailbox: Mailbox) -> None:
    account = connect(application, mailbox.user, options(mailbox))
    expires = timezone.now() + timedelta(minutes=5)
    Account.objects.filter(pk=account.pk).update(lease_token=uuid.uuid4(), lease_expires_at=expires)
    connect(application, mailbox.user, options(mailbox))
    account.refresh_from_db()
    assert account.lease_token is None


def test_a_refused_attempt_leaves_the_connected_account_alone(application: Application, mailbox: Mailbox) -> None:
    account = connect(application, mailbox.user, options(mailbox))
    before = Account.objects.filter(pk=account.pk).values().get()
    with pytest.raises(ConnectRefused):
        connect(application, mailbox.user, options(mailbox, imap_password="wrong"))
    assert Account.objects.filter(pk=account.pk).values().get() == before


def test_two_applications_connect_the_same_mailbox_apart(application: Application, mailbox: Mailbox) -> None:
    other = Application.objects.create(name="other")
    accounts = [connect(owner, mailbox.user, options(mailbox)) for owner in (application, other)]
    assert accounts[0].pk != accounts[1].pk


def test_a_removed_account_is_connected_anew(application: Application, mailbox: Mailbox) -> None:
    gone = connect(application, mailbox.user, options(mailbox))
    intent.remove(gone.pk)
    assert connect(application, mailbox.user, options(mailbox)).pk != gone.pk


@pytest.mark.django_db(transaction=True)
def test_connecting_one_mailbox_several_times_at_once_makes_one_account(
    application: Application, mailbox: Mailbox
) -> None:
    with mailbox.client() as client:
        client.list_folders()  # Dovecot drops one of several clients that make a new user's directories at once
    together, accounts = threading.Barrier(4), list[Account]()

    def attempt() -> None:
        together.wait(30)
        accounts.append(connect(application, mailbox.user, options(mailbox)))
        connection.close()

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len({account.pk for account in accounts}) == 1
    kinds = [kind for _, _, _, kind in log_of(accounts[0])]
    assert kinds == ["created", "updated", "updated", "updated"]
