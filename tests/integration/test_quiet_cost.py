"""What a turn costs: round trips, connections and SQL statements, on a real server. None may grow with the mailbox.

A statement is what `connection.execute_wrapper` sees: one round trip to PostgreSQL. BEGIN, COMMIT and SAVEPOINT pass by
it, so transactions are counted apart. Claiming the account is the dispatcher's, 500 accounts in one statement.
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection
from imapclient import IMAPClient

from accounts.models import Account
from accounts.network import open_socket
from mail import lease
from tasks.sync import sync as task
from tests.integration.mirroring import connected, fill, mirror_state, server_state, sync
from tests.mailboxes import Mailbox, MailboxFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("guarded")]

FOLDERS = 50


@dataclass(slots=True)
class Cost:
    """What one turn took."""

    connections: int = 0
    round_trips: int = 0
    statements: list[str] = field(default_factory=list)
    in_transactions: int = 0

    @property
    def figures(self) -> tuple[int, int, int]:
        return self.connections, self.round_trips, len(self.statements)


class CountingSocket(socket.socket):
    """A connection that counts how often the client spoke and then waited."""

    cost: Cost
    answered = True

    def sendall(self, *args: Any) -> None:
        self.cost.round_trips += self.answered
        self.answered = False
        super().sendall(*args)

    def recv_into(self, *args: Any) -> int:
        self.answered = True
        return super().recv_into(*args)


@pytest.fixture
def turn(monkeypatch: pytest.MonkeyPatch) -> Callable[[Account], Cost]:
    """Makes one turn as a worker's task does, and counts."""

    def measured(account: Account) -> Cost:
        cost = Cost()

        def counted(host: str, port: int, *, timeout: float, trusted: bool) -> socket.socket:
            cost.connections += 1
            counting = CountingSocket(fileno=open_socket(host, port, timeout=timeout, trusted=trusted).detach())
            counting.settimeout(timeout)
            counting.cost = cost
            return counting

        monkeypatch.setattr("mail.imap.opening.open_socket", counted)
        token = lease.claim(account.id)
        with connection.execute_wrapper(_noting(cost)):
            assert task(account_id=str(account.id), token=str(token)) == "done"
        return cost

    return measured


def _noting(cost: Cost) -> Callable[..., Any]:
    def note(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        cost.statements.append(str(sql))
        cost.in_transactions += connection.in_atomic_block
        return execute(sql, params, many, context)

    return note


def _mirrored(mailbox: Mailbox, *, inbox: int = 3) -> Account:
    with mailbox.client() as client:
        for number in range(FOLDERS - 1):
            client.create_folder(f"Folder {number:02}")
        fill(client, "Folder 07", 2)
        fill(client, "INBOX", inbox)
    account = connected(mailbox)
    while sync(account).more:
        pass
    sync(account)
    return account


@pytest.mark.parametrize("strategy", ["qresync", "condstore"])
def test_an_unchanged_account_of_fifty_folders_costs_next_to_nothing(
    mailbox: Mailbox, turn: Callable[[Account], Cost]
) -> None:
    account = _mirrored(mailbox)
    cost = turn(account)
    assert cost.connections == 1
    assert cost.round_trips <= 4
    assert len(cost.statements) <= 6, cost.statements
    assert cost.in_transactions == 0, "a turn that changes nothing opens no transaction"
    account.refresh_from_db()
    assert account.lease_token is None
    with mailbox.client() as client:
        assert mirror_state(account) == server_state(client)


def _nothing(client: IMAPClient) -> None:
    """The mailbox stays as it is."""


def _one_mail(client: IMAPClient) -> None:
    fill(client, "INBOX", 1, start=10_000)


def _one_flag(client: IMAPClient) -> None:
    client.select_folder("INBOX")
    client.add_flags([2], [b"\\Seen"])


def _expunges(client: IMAPClient) -> None:
    client.select_folder("INBOX")
    client.add_flags(list(range(1, 26)), [b"\\Deleted"])
    client.expunge()


@pytest.mark.parametrize("strategy", ["qresync", "condstore"])
@pytest.mark.parametrize("change", [_nothing, _one_mail, _one_flag, _expunges])
def test_what_a_change_costs_does_not_depend_on_the_mailbox(
    mailbox_factory: MailboxFactory,
    strategy: str,
    change: Callable[[IMAPClient], None],
    turn: Callable[[Account], Cost],
) -> None:
    figures = []
    for inbox in (30, 300):
        mailbox = mailbox_factory(strategy)
        account = _mirrored(mailbox, inbox=inbox)
        with mailbox.client() as client:
            change(client)
            figures.append(turn(account).figures)
            assert mirror_state(account) == server_state(client)
    assert figures[0] == figures[1]
