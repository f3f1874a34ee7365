"""A message that kills the process is skipped; the account goes on."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Account
from mail import lease, mime
from mail.mirror import sync_account
from mail.models import Gap, Message
from mail.types import Parsed
from tests.integration.mirroring import connected, fill, mail, mirror_state, server_state, sync
from tests.mailboxes import Mailbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("trusted_loopback")]


class Died(BaseException):
    """Stands for a process that is gone: nothing of what follows in it is run."""


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Whoever reads a message with the word DEADLY dies, and a dead process gives no lease back."""
    headline, end = mime.headline, lease.Lease.end
    dead: list[bytes] = []

    def read(raw: bytes) -> Parsed:
        if b"DEADLY" in raw:
            dead.append(raw)
            raise Died
        return headline(raw)

    def end_if_alive(ours: lease.Lease) -> None:
        if dead:
            dead.clear()
        else:
            end(ours)

    monkeypatch.setattr(mime, "headline", read)
    monkeypatch.setattr(lease.Lease, "end", end_if_alive)
    return monkeypatch


def turn(account: Account) -> bool:
    """One turn of a new process, long after the last; whether it lived."""
    past = timezone.now() - timedelta(seconds=1)
    Account.objects.filter(id=account.id).update(lease_expires_at=past, next_sync_at=past)
    claims = {claim.account: claim.token for claim in lease.claim_due(1)}
    try:
        while sync_account(account.id, claims[account.id]).more:
            claims = {account.id: lease.claim(account.id)}
    except Died:
        return False
    return True


@pytest.fixture
def account(mailbox: Mailbox) -> Account:
    with mailbox.client() as client:
        fill(client, "INBOX", 3)
        client.append("INBOX", mail("poison", body="DEADLY"))
        fill(client, "INBOX", 3, start=3)
        client.create_folder("Later")
        fill(client, "Later", 2)
    return connected(mailbox)


def test_a_message_that_kills_its_process_is_skipped(account: Account, deadly: pytest.MonkeyPatch) -> None:
    lived = [turn(account) for _ in range(4)]
    assert lived == [False, False, False, True]
    assert Message.objects.filter(account=account).count() == 8
    gap = Gap.objects.get(folder__account=account)
    assert "died" in gap.reason
    account.refresh_from_db()
    assert (account.state, account.deaths) == ("live", 0)
    assert turn(account), "it is not asked for again at once"


def test_a_message_that_kills_again_when_it_is_alone_rests_for_a_month(
    account: Account, deadly: pytest.MonkeyPatch
) -> None:
    while not turn(account):
        pass
    Gap.objects.update(next_try_at=timezone.now())
    assert not turn(account)
    assert turn(account)
    assert Gap.objects.get().next_try_at > timezone.now() + timedelta(days=25)


def test_a_suspect_that_was_innocent_is_mirrored_when_it_is_asked_for_again(
    account: Account, mailbox: Mailbox, deadly: pytest.MonkeyPatch
) -> None:
    while not turn(account):
        pass
    deadly.undo()
    Gap.objects.update(next_try_at=timezone.now())
    sync(account, thorough=True)
    assert not Gap.objects.exists()
    with mailbox.client() as client:
        assert mirror_state(account) == server_state(client)
