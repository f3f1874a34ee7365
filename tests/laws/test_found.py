"""Cases in which a law was broken once, each as small as it got."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from django.utils import timezone
from pytest_django import Settings

from accounts.models import Account, Host
from mail import lease
from mail.mirror import Result, sync_account
from mail.models import Folder, Gap, Transaction
from tests.laws.account import connected, removed
from tests.laws.commands import Token
from tests.laws.comparison import differences, identity, of_mirror, of_model
from tests.laws.manner import OFFERED, Manner, Trouble
from tests.laws.model import Mailbox
from tests.laws.server import ModelServer

pytestmark = pytest.mark.django_db(transaction=True)


class Stand:
    """A mailbox, its server and its mirror."""

    def __init__(self, manner: Manner) -> None:
        self.mailbox = Mailbox()
        self.inbox = self.mailbox.folders[b"INBOX"]
        self.object_ids = "OBJECTID" in manner.capabilities
        self.server = ModelServer(self.mailbox, manner)
        self.account: Account = connected(self.server)

    def sync(self, trouble: Trouble | None = None) -> Result:
        """A turn, perhaps in trouble."""
        with self.server.troubled(trouble or Trouble()):
            return sync_account(self.account.id, lease.claim(self.account.id))

    def when(self, command: list[Token], happens: Callable[[int], object]) -> Callable[[int], None]:
        """`happens` when the first command that begins so has come, and is not answered."""
        waiting = [happens]

        def before(number: int) -> None:
            if waiting and self.server.heard[number][: len(command)] == command:
                waiting.pop()(number)

        return before

    def refusing(self, command: bytes, code: str) -> Trouble:
        """The first such command after the login is refused."""
        trouble = Trouble(code=code)

        def before(number: int) -> None:
            welcome = any(each[0] == b"LOGIN" for each in self.server.heard)
            if welcome and command in self.server.heard[number][:2] and trouble.refuse is None:
                trouble.refuse = number

        trouble.before = before
        return trouble

    def time_passes(self) -> None:
        """All backoffs are over."""
        Host.objects.all().delete()
        Folder.objects.filter(account=self.account).update(next_try_at=None)
        Gap.objects.filter(folder__account=self.account).update(next_try_at=timezone.now())

    def differences(self) -> list[str]:
        """What mirror and model do not agree on."""
        expected = of_model(self.mailbox, partial(identity, self.account, object_ids=self.object_ids))
        return differences(expected, of_mirror(self.account))


@pytest.fixture
def stand(settings: Settings, transactional_db: None) -> Iterator[Callable[[Manner], Stand]]:
    """Makes one, and takes it down."""
    settings.SYNCFARM_TRUSTED_HOSTS = ["127.0.0.1"]
    made: list[Stand] = []

    def make(manner: Manner) -> Stand:
        made.append(Stand(manner))
        made[0].server.__enter__()
        return made[0]

    yield make
    removed(made[0].account)
    made[0].server.__exit__(None, None, None)


@pytest.mark.parametrize("seed", range(2))
def test_mail_that_comes_as_another_goes_while_a_folder_is_opened_is_not_missed(
    stand: Callable[[Manner], Stand], seed: int
) -> None:
    its = stand(Manner(frozenset(OFFERED["condstore"]), late=True, keeps_uidnext=True, seed=seed))
    for number in range(3):
        its.mailbox.append(its.inbox, b"Subject: %d\r\n\r\n" % number)
    its.sync()
    its.inbox.flag([2], frozenset({"\\Seen"}))

    def happens(_number: int) -> None:
        its.inbox.expunge([1])
        its.mailbox.append(its.inbox, b"Subject: late\r\n\r\n")

    counted_again: list[Token] = [b"STATUS", b"INBOX", [b"UIDNEXT"]]
    its.sync(Trouble(before=its.when(counted_again, happens)))
    for _ in range(2):
        assert its.sync() == Result()
    assert its.differences() == []


@pytest.mark.parametrize(
    ("command", "code"),
    [
        *((command, "UNAVAILABLE") for command in (b"CAPABILITY", b"LIST", b"STATUS", b"EXAMINE", b"SEARCH", b"FETCH")),
        (b"FETCH", "SERVERBUG"),
    ],
)
def test_a_command_that_is_refused_once_gives_no_message_another_id(
    stand: Callable[[Manner], Stand], command: bytes, code: str
) -> None:
    its = stand(Manner(frozenset({*OFFERED["condstore"], "OBJECTID"})))
    for number in range(3):
        its.mailbox.append(its.inbox, b"Subject: %d\r\n\r\n" % number)
    its.sync(its.refusing(command, code))
    its.time_passes()
    assert its.sync() == Result()
    assert its.differences() == []


def test_a_folder_that_is_renamed_as_it_is_opened_takes_no_mail_along(stand: Callable[[Manner], Stand]) -> None:
    its = stand(Manner(frozenset(OFFERED["condstore"])))
    work = its.mailbox.create(b"Work")
    its.mailbox.append(its.inbox, b"Subject: moves\r\n\r\n")
    its.sync()
    its.mailbox.move(its.inbox, [1], work)
    hangs_up = Trouble()
    hangs_up.before = its.when([b"EXAMINE", b"Work"], lambda number: setattr(hangs_up, "bye", number))
    assert its.sync(hangs_up).error
    its.time_passes()
    its.sync(Trouble(before=its.when([b"EXAMINE", b"Work"], lambda _number: its.mailbox.rename(b"Work", b"Kept"))))
    its.sync()
    assert its.differences() == []
    assert not Transaction.objects.filter(account=its.account, object_type="message", kind="deleted").exists()
