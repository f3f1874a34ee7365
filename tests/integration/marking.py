"""What tests of changes made here share: a mirrored mailbox, and both sides of a change."""

from typing import Any

import pytest
from django.utils import timezone

from accounts.models import Account
from mail.models import Action, ActionState, Message
from tests.integration.mirroring import connected, fill, mirror_state, server_state, sync
from tests.mailboxes import Mailbox

__all__ = ["account"]


@pytest.fixture
def account(mailbox: Mailbox) -> Account:
    """Four unread mails in the inbox, mirrored."""
    with mailbox.client() as client:
        fill(client, "INBOX", 4)
    account = connected(mailbox)
    sync(account)
    return account


def message(account: Account, number: int = 0) -> Message:
    return Message.objects.get(account=account, subject=f"INBOX {number}")


def flags_on_server(mailbox: Mailbox, folder: str = "INBOX") -> dict[int, set[str]]:
    with mailbox.client() as client:
        return {uid: set(flags) for uid, (flags, _digest) in server_state(client)[folder].items()}


def agrees(account: Account, mailbox: Mailbox) -> bool:
    with mailbox.client() as client:
        assert mirror_state(account) == server_state(client)
    return True


def states(account: Account) -> list[str]:
    return list(Action.objects.filter(account=account).order_by("number").values_list("state", flat=True))


def make_due(**columns: Any) -> None:
    Action.objects.filter(state=ActionState.PENDING).update(**{"next_try_at": timezone.now(), **columns})
