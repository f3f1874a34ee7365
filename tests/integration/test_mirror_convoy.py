"""A long copying over several connections: faster where each is slow, and the same mirror whatever happens to any."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from accounts.models import Account, AccountState, Host
from bench.line import Line
from mail import audit, lease
from mail.imap.session import MailSession
from mail.mirror import Result, room, sync_account
from mail.mirror.company import Company
from mail.mirror.turn import Turn
from mail.types import ConnectionFailed, Entry, Fetched, LeaseLost, Selected, SyncPoint
from syncfarm.dovecot import Dovecot
from tests.integration.mirroring import connected, fill, mail, mirror_state, server_state, sync
from tests.mailboxes import Mailbox, MailboxFactory

pytestmark = pytest.mark.django_db(transaction=True)

COUNT = 60


@pytest.fixture(autouse=True)
def _soon(guarded: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """It is worth company after the first batch, unless a test says otherwise."""
    monkeypatch.setattr("mail.sync.visit.BATCH_MESSAGES", 3)
    monkeypatch.setattr("mail.mirror.convoy.ENTRIES", 15)
    monkeypatch.setattr(Company, "is_worth", lambda self, left, *_: bool(self._room or self._sessions) and left > 6)
    before = room.IN_FLIGHT._free
    yield
    assert room.IN_FLIGHT._free == before, "all room is given back"
    assert not [thread for thread in threading.enumerate() if thread.name == "ahead"]


@pytest.fixture
def mailbox(mailbox_factory: MailboxFactory) -> Mailbox:
    mailbox = mailbox_factory("qresync")
    with mailbox.client() as client:
        client.create_folder("Work")
        fill(client, "INBOX", COUNT)
        fill(client, "Work", 20)
    return mailbox


def through(line: Line, mailbox: Mailbox) -> Account:
    account = connected(mailbox)
    account.settings["imap_port"] = line.port
    account.save()
    return account


def is_right(account: Account, mailbox: Mailbox) -> bool:
    """By the UIDs, flags and hashes that another client finds, and by the audit, which reads what is stored."""
    account.refresh_from_db()
    account.settings["imap_port"] = mailbox.port
    account.save()
    with mailbox.client() as client:
        same = mirror_state(account) == server_state(client)
    return same and not audit.run(account, sample=1000) and account.state == AccountState.LIVE


def attempt(account: Account) -> Result:
    return sync_account(account.id, lease.claim(account.id))


def recover(account: Account) -> None:
    """The next turn, at once."""
    account.folders.update(next_try_at=None)
    assert not sync(account).more


def is_copied_over(connections: int, mailbox: Mailbox) -> bool:
    """Whether one turn copies all of it, over so many connections."""
    with Line(mailbox.port) as line:
        account = through(line, mailbox)
        more = sync(account).more
    return not more and line.most_open == connections and is_right(account, mailbox)


def test_three_connections_copy_what_one_would(mailbox: Mailbox) -> None:
    assert is_copied_over(3, mailbox)


def test_turns_that_end_half_way_leave_off_where_the_next_goes_on(mailbox: Mailbox) -> None:
    with Line(mailbox.port) as line:
        account = through(line, mailbox)
        turns = 1
        while sync(account, budget=timedelta(seconds=0.02)).more:
            turns += 1
    assert turns > 1
    assert is_right(account, mailbox)


def test_a_turn_that_is_over_asks_for_no_more_sizes(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    commits: list[int] = []
    late: list[Sequence[int]] = []
    entries = MailSession.entries

    def asked(session: MailSession, uids: Sequence[int]) -> list[Entry]:
        if len(commits) > 3:
            late.append(uids)
        return entries(session, uids)

    with Line(mailbox.port) as line:
        account = through(line, mailbox)
        with monkeypatch.context() as patch:
            patch.setattr(MailSession, "entries", asked)
            patch.setattr("mail.mirror.convoy.ENTRIES", 6)
            patch.setattr(Turn, "is_over", lambda _turn: len(commits) > 3)
            assert sync(account, on_commit=lambda: commits.append(1)).more
            assert line.most_open == 3
        assert len(late) <= 1
        assert not sync(account).more
    assert is_right(account, mailbox)


def test_a_provider_that_allows_no_more_is_asked_for_no_more(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.presets.CONNECTIONS", 2)
    assert is_copied_over(2, mailbox)


@pytest.mark.parametrize("most", [1, 2])
def test_a_server_that_hangs_up_on_further_connections_is_copied_over_fewer(mailbox: Mailbox, most: int) -> None:
    with Line(mailbox.port, most=most) as line:
        account = through(line, mailbox)
        assert not sync(account).more
        assert (line.most_open, line.refused) == (most, 1), "it is not asked again in this turn"
    assert is_right(account, mailbox)
    assert not Host.objects.exists(), "nothing speaks against the host"


def test_a_server_that_refuses_further_logins_is_copied_over_one(tmp_path: Path) -> None:
    with Dovecot.start(tmp_path, {"a@b": "correct horse"}, extra="mail_max_userip_connections = 1\n") as server:
        mailbox = Mailbox(server, "a@b")
        with mailbox.client() as client:
            fill(client, "INBOX", COUNT)
        account = connected(mailbox)
        assert not sync(account).more
        assert is_right(account, mailbox)
        assert "Maximum number of connections" in (tmp_path / "log").read_text()


def test_a_session_that_finds_another_folder_under_the_name_takes_no_part(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    select = MailSession.select
    first: list[MailSession] = []

    def selected(session: MailSession, wire_name: str, since: SyncPoint | None = None) -> Selected:
        first.append(session)
        found = select(session, wire_name, since)
        return found if session is first[0] else replace(found, uidvalidity=found.uidvalidity + 1)

    with Line(mailbox.port) as line, monkeypatch.context() as patch:
        patch.setattr(MailSession, "select", selected)
        account = through(line, mailbox)
        assert not sync(account).more
        assert line.most_open == 3
    assert is_right(account, mailbox)


class Breaking:
    """Breaks sessions as they are asked for bodies: the n-th that was opened, at its m-th time."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *when: tuple[int, int]) -> None:
        self._select, self._bodies, self._when = MailSession.select, MailSession.bodies, when
        self._times: dict[MailSession, int] = {}
        self.broken = 0

        def select(session: MailSession, wire_name: str, since: SyncPoint | None = None) -> Selected:
            self._times.setdefault(session, 0)
            return self._select(session, wire_name, since)

        def bodies(session: MailSession, uids: Sequence[int], *, headers_only: bool = False) -> Iterator[Fetched]:
            self._times[session] += 1
            if (list(self._times).index(session), self._times[session]) in self._when:
                self.broken += 1
                session.stop("the line broke")
            yield from self._bodies(session, uids, headers_only=headers_only)

        monkeypatch.setattr(MailSession, "select", select)
        monkeypatch.setattr(MailSession, "bodies", bodies)


@pytest.mark.parametrize("when", [[(1, 1)], [(2, 2)], [(1, 2), (2, 4)], [(1, 1), (2, 1)]])
def test_what_a_session_had_to_do_that_breaks_is_done_by_the_others(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, when: list[tuple[int, int]]
) -> None:
    breaking = Breaking(monkeypatch, *when)
    with Line(mailbox.port) as line:
        account = through(line, mailbox)
        assert not sync(account).more
    assert breaking.broken == len(when)
    assert is_right(account, mailbox)


def test_if_the_first_breaks_the_turn_fails_and_the_next_goes_on(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Line(mailbox.port) as line:
        account = through(line, mailbox)
        with monkeypatch.context() as patch:
            Breaking(patch, (0, 5))
            assert isinstance(attempt(account).error, ConnectionFailed)
        recover(account)
    assert is_right(account, mailbox)


def test_a_lost_lease_cuts_every_session(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[lease.Lease] = []
    when_lost = lease.Lease.when_lost

    def remember(ours: lease.Lease, stop: Callable[[], None]) -> None:
        held.append(ours)
        when_lost(ours, stop)

    monkeypatch.setattr(lease.Lease, "when_lost", remember)
    with Line(mailbox.port) as line:
        account = through(line, mailbox)

        def lose() -> None:
            if line.most_open == 3:
                held[0].lose()

        with pytest.raises(LeaseLost):
            sync_account(account.id, lease.claim(account.id), on_commit=lose)
        assert len(held) == 3
        recover(account)
    assert is_right(account, mailbox)


def test_a_batch_that_cannot_be_stored_ends_all_of_it(mailbox: Mailbox) -> None:
    commits = []

    def fail() -> None:
        commits.append(1)
        if len(commits) > 8:
            raise RuntimeError("no")

    with Line(mailbox.port) as line:
        account = through(line, mailbox)
        with pytest.raises(RuntimeError, match="no"):
            sync_account(account.id, lease.claim(account.id), on_commit=fail)
        assert line.most_open == 3
        sync(account)
    assert is_right(account, mailbox)


@pytest.mark.parametrize("size", [1, 900, 3000])
def test_little_room_makes_it_slow_and_stops_nobody(
    mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    small = room.Room(size)
    monkeypatch.setattr("mail.mirror.hauls.IN_FLIGHT", small)
    with Line(mailbox.port) as line:
        account = through(line, mailbox)
        assert not sync(account).more
    assert is_right(account, mailbox)
    assert small._free == size


def test_it_is_faster_where_each_connection_is_slow(
    mailbox_factory: MailboxFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("mail.sync.visit.BATCH_MESSAGES", 5)
    monkeypatch.setattr("mail.mirror.convoy.ENTRIES", 30)
    for name, value in {"LONG": 20, "PATIENCE": 0.2}.items():
        monkeypatch.setattr(f"mail.mirror.company.{name}", value)
    mailbox = mailbox_factory("qresync")
    with mailbox.client() as client:
        client.multiappend("INBOX", [mail(f"mail {number}", body="x" * 20_000) for number in range(150)])
    took, states = {}, []
    for connections in (1, 3):
        monkeypatch.setattr("accounts.presets.CONNECTIONS", connections)
        with Line(mailbox.port, delay=0.005, rate=1_500_000) as line:
            Account.objects.all().delete()
            account = through(line, mailbox)
            began = time.monotonic()
            assert not sync(account).more
            took[connections] = time.monotonic() - began
            assert line.most_open == connections
        states.append(mirror_state(account))
        assert is_right(account, mailbox)
    assert states[0] == states[1]
    assert took[3] < 0.75 * took[1], took


def test_it_is_left_alone_where_nobody_waits_for_the_server(mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr("mail.sync.visit.BATCH_MESSAGES", 5)
    monkeypatch.setattr("mail.mirror.company.LONG", 6)
    monkeypatch.setattr("mail.mirror.company.PATIENCE", 0)
    assert is_copied_over(1, mailbox)
