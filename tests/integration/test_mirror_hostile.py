"""Servers that would keep a worker: out of memory, at a snail's pace, or past the end of its lease."""

from collections.abc import Iterator

import pytest

from accounts.models import Account, AccountState
from mail import lease
from mail.imap.session import MailSession
from mail.mirror import sync_account
from tests.integration.guard import guarded_log
from tests.integration.mirroring import connected
from tests.mailboxes import Mailbox

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _guarded(transactional_db: None, trusted_loopback: None) -> Iterator[None]:
    with guarded_log():
        yield


@pytest.fixture
def account(mailbox: Mailbox) -> Account:
    return connected(mailbox)


def test_a_server_that_sends_more_than_memory_holds_fails_one_account(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(_: MailSession) -> None:
        raise MemoryError

    monkeypatch.setattr(MailSession, "folders", exhausted)
    result = sync_account(account.id, lease.claim(account.id))
    account.refresh_from_db()
    assert "memory" in str(result.error)
    assert (account.state, account.failures, account.reason) == (AccountState.ERROR, 1, str(result.error))
