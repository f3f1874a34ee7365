"""manage.py sync and audit, as an operator types them."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account, AccountState
from mail import intent
from mail.models import Location, Message
from tests.integration.mirroring import connected, fill, mirror_state, server_state
from tests.mailboxes import Mailbox, MailboxFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def mailbox(mailbox_factory: MailboxFactory, trusted_loopback: None) -> Mailbox:
    made = mailbox_factory("qresync")
    with made.client() as client:
        client.create_folder("Work")
        fill(client, "INBOX", 5)
        fill(client, "Work", 3)
    return made


@pytest.fixture
def account(mailbox: Mailbox) -> Account:
    return connected(mailbox)


def run(*arguments: str) -> str:
    output = StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


def test_sync_ends_when_the_mailbox_is_current(account: Account, mailbox: Mailbox) -> None:
    assert "Up to date." in run("sync", account.email, "--until-idle")
    with mailbox.client() as client:
        assert mirror_state(account) == server_state(client)


def test_sync_says_why_it_cannot(account: Account) -> None:
    Account.objects.update(settings=account.settings | {"imap_port": 1})
    with pytest.raises(CommandError, match="nobody listens there"):
        run("sync", account.email)


def test_sync_leaves_a_paused_mailbox_alone(account: Account) -> None:
    intent.pause(account.id)
    with pytest.raises(CommandError, match="paused; resume it first"):
        run("sync", account.email)
    account.refresh_from_db()
    assert account.state == AccountState.PAUSED


@pytest.mark.parametrize("command", ["sync", "audit"])
def test_an_unknown_mailbox_is_named_with_the_cure(command: str, transactional_db: None) -> None:
    with pytest.raises(CommandError, match=r"manage\.py connect nobody@example\.test"):
        run(command, "nobody@example.test")


def test_an_address_of_two_applications_asks_which(mailbox: Mailbox, account: Account) -> None:
    connected(mailbox, "another application")
    with pytest.raises(CommandError, match="--application"):
        run("sync", account.email)
    assert "Up to date." in run("sync", account.email, "--application", "tests")


def test_audit_agrees_after_a_sync(account: Account) -> None:
    run("sync", account.email)
    assert "mirror and server agree" in run("audit", account.email)


def test_audit_prints_every_difference_and_repair_mends_them(account: Account, mailbox: Mailbox) -> None:
    run("sync", account.email)
    before = set(Message.objects.values_list("id", flat=True))
    Location.objects.filter(folder__name="INBOX", uid=2).update(flags=["\\Flagged"])
    Location.objects.filter(folder__name="INBOX", uid=3).delete()
    Message.objects.filter(subject="Work 2").update(raw_at=1)
    output = StringIO()
    with pytest.raises(CommandError, match="differences"):
        call_command("audit", account.email, stdout=output)
    for line in (
        "UID 2 has flags",
        "UID 3 is missing here",
        "raw message is lost or damaged",
        "counts its messages wrongly",
    ):
        assert line in output.getvalue()
    assert "mirror and server agree" in run("audit", account.email, "--repair")
    assert set(Message.objects.values_list("id", flat=True)) == before
    with mailbox.client() as client:
        assert mirror_state(account) == server_state(client)
