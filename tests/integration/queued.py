"""What tests of sending share: a message that is to be sent, and how far it got."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from mail import sending
from mail.models import Outgoing
from mail.sending import Mail
from tests.integration.outbound import *  # noqa: F403 -- fixtures

__all__ = ["strategy"]

OCTETS = (
    b"From: alice@example.test\r\nTo: bob@example.test\r\nBcc: carol@example.test\r\nSubject: Hi\r\n"
    b"Message-ID: <m1@example.test>\r\nDate: Mon, 02 Nov 2026 10:00:00 +0000\r\n\r\nHello\r\n"
)


@pytest.fixture
def strategy() -> str:
    return "qresync"  # what is sent has nothing to do with how changes are found


def queued(account: Account, **options: Any) -> Outgoing:
    mail = Mail(OCTETS, "m1@example.test", "Hi", "alice@example.test", ("bob@example.test", "carol@example.test"))
    return sending.queue(account.pk, mail, **options)


def state_of(row: Outgoing) -> str:
    row.refresh_from_db()
    return row.state


def expire_claims() -> None:
    Outgoing.objects.filter(claimed_until__isnull=False).update(claimed_until=timezone.now() - timedelta(seconds=1))
