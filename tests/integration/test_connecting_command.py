"""manage.py connect, with a real Dovecot."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Account
from tests.mailboxes import Mailbox, MailboxFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def mailbox(mailbox_factory: MailboxFactory, settings: Any) -> Mailbox:
    settings.SYNCFARM_TRUSTED_HOSTS = ["127.0.0.1"]
    return mailbox_factory("qresync")


def run(*words: str) -> str:
    output = StringIO()
    call_command("connect", *words, stdout=output)
    return output.getvalue()


def test_the_command_connects_and_prints_the_grant(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SYNCFARM_PASSWORD", mailbox.password)
    output = run(mailbox.user, "--imap-host", mailbox.host, "--imap-port", str(mailbox.port), "--no-tls")
    account = Account.objects.get()
    assert str(account.pk) in output
    assert account.application.name == "default"
    assert mailbox.password not in output


def test_the_command_prompts_for_the_password(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SYNCFARM_PASSWORD", raising=False)
    monkeypatch.setattr("getpass.getpass", lambda prompt: mailbox.password if mailbox.user in prompt else "")
    run(mailbox.user, "--imap-host", mailbox.host, "--imap-port", str(mailbox.port), "--security", "starttls")
    assert Account.objects.get().settings["imap_security"] == "starttls"


def test_the_command_says_that_no_tls_is_for_trusted_hosts(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, settings: Any
) -> None:
    settings.SYNCFARM_TRUSTED_HOSTS = []
    monkeypatch.setenv("SYNCFARM_PASSWORD", mailbox.password)
    with pytest.raises(CommandError, match="SYNCFARM_TRUSTED_HOSTS"):
        run(mailbox.user, "--imap-host", mailbox.host, "--no-tls")
    assert not Account.objects.exists()
