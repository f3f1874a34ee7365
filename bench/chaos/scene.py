"""Where a run takes place: mail servers behind proxies, a farm, its mailboxes, and who follows their logs."""

import random
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.chaos.clients import PASSWORD, Mailbox
from bench.chaos.farm import Farm, FarmFailed, Rest, Unanswered
from bench.chaos.faults import ODDS
from bench.chaos.ledger import Ledger
from bench.chaos.letters import Letters
from bench.chaos.proxy import Proxy
from bench.chaos.reader import Reader
from syncfarm.dovecot import BARE, CONDSTORE_ONLY, Dovecot

STRATEGIES: Mapping[str, str | None] = {"qresync": None, "condstore": CONDSTORE_ONLY, "full": BARE}


# An application's key; and what beat does once a minute happens often enough to be in the way.
_KEY = """
from accounts import keys
from accounts.models import Application
from django_celery_beat.models import IntervalSchedule, PeriodicTask
often, _ = IntervalSchedule.objects.get_or_create(every=2, period="seconds")
for entry in PeriodicTask.objects.filter(task__in=["syncfarm.repack", "syncfarm.upkeep"]):
    entry.interval = often
    entry.save()
print(keys.create(Application.objects.create(name="chaos"), "chaos")[1])
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is to be. `strategies`: of the mailboxes' servers, in turn. `calm`: seconds to become idle in;
    `hurry`: an operator frees the accounts of dead workers first, which takes their leases up to a minute."""

    strategies: tuple[str, ...]
    seed: int
    operations: int
    kills: int
    seconds: float
    mailboxes: int = 4
    mails: int = 150  # in each INBOX before
    calm: float = 600.0
    hurry: bool = False
    odds: Mapping[str, float] = field(default_factory=lambda: ODDS)


@dataclass(frozen=True, slots=True)
class Server:
    """A Dovecot, and the proxy through which the farm reaches it."""

    dovecot: Dovecot
    proxy: Proxy


@dataclass(frozen=True, slots=True)
class Scene:
    """All of it, running. The nth reader follows the nth mailbox; the last one no mail program changes. `key`: the
    application's; `ledger`: what it asked for there."""

    farm: Farm
    key: str
    servers: list[Server]
    mailboxes: list[Mailbox]
    readers: list[Reader]
    filled: int  # mails of the last mailbox before
    ledger: Ledger = field(default_factory=Ledger)


@contextmanager
def prepared(plan: Plan, directory: Path) -> Iterator[Scene]:
    """Everything started, every mailbox connected. Raises DovecotFailed or FarmFailed."""
    with ExitStack() as stack:
        servers = [stack.enter_context(_server(plan, name, directory)) for name in plan.strategies]
        farm = stack.enter_context(Farm(directory / "farm"))
        key = farm.manage("shell", "-v", "0", "-c", _KEY).stdout.split()[-1]
        mailboxes, readers, filled = _connect(plan, farm, key, servers)
        try:
            yield Scene(farm, key, servers, mailboxes, readers, filled)
        finally:
            for reader in readers:
                reader.stop()


@contextmanager
def _server(plan: Plan, strategy: str, directory: Path) -> Iterator[Server]:
    started = Dovecot.start(directory / strategy, {}, capability=STRATEGIES[strategy])
    with started as dovecot, Proxy(dovecot.port, f"{plan.seed} {strategy}", plan.odds) as proxy:
        yield Server(dovecot, proxy)


def _connect(plan: Plan, farm: Farm, key: str, servers: list[Server]) -> tuple[list[Mailbox], list[Reader], int]:
    """Mailboxes with some mail, each a grant, and somebody who follows its log."""
    mailboxes, readers, filled = [], [], 0
    for number in range(plan.mailboxes + 1):
        server = servers[number % len(servers)]
        mailbox = Mailbox(server.dovecot, f"user{number}@example.test")
        server.dovecot.add_user(mailbox.user, PASSWORD)
        letters = Letters(f"old{number}", random.Random(f"{plan.seed} old{number}"))
        filled = _fill(mailbox, letters, plan.mails, doubles=number < plan.mailboxes)
        readers.append(Reader(farm, key, _grant(farm, key, mailbox, server.proxy.port)))
        mailboxes.append(mailbox)
    for reader in readers:
        reader.start()
    return mailboxes, readers, filled


def _fill(mailbox: Mailbox, letters: Letters, count: int, *, doubles: bool) -> int:
    with mailbox.client() as imap:
        for name in ("Work", "日本", "A & B", "Drafts", "Trash"):
            imap.create_folder(name)
        mails = [letters.write() for _ in range(count)]
        mails = mails if doubles else list(dict.fromkeys(mails))
        for mail in mails:
            imap.append("INBOX", mail)
    return len(mails)


def _grant(farm: Farm, key: str, mailbox: Mailbox, port: int) -> str:
    """Connect the mailbox over REST, again if the network spoils it; the grant's id."""
    settings = {
        "imap_host": "127.0.0.1", "imap_port": port, "imap_security": "none",
        "imap_username": mailbox.user, "imap_password": PASSWORD,
    }  # fmt: skip
    for _ in range(20):
        try:
            body = {"provider": "imap", "settings": settings}
            return str(Rest(farm, key).ask("POST", "/v3/connect/custom", body)["data"]["id"])
        except (Unanswered, ValueError) as error:
            last = error
    raise FarmFailed(f"{mailbox.user} cannot be connected: {last}")
