"""One run, from the first server to the last check."""

import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.chaos import checks
from bench.chaos.clients import PASSWORD, Client, Mailbox
from bench.chaos.farm import Farm, FarmFailed, Rest, Unanswered
from bench.chaos.faults import ODDS
from bench.chaos.killer import Killer
from bench.chaos.letters import Letters
from bench.chaos.pace import Pace
from bench.chaos.proxy import Proxy
from bench.chaos.reader import Reader
from bench.chaos.report import Report
from bench.chaos.settling import resume, settle
from syncfarm.dovecot import BARE, CONDSTORE_ONLY, Dovecot

STRATEGIES: Mapping[str, str | None] = {"qresync": None, "condstore": CONDSTORE_ONLY, "full": BARE}
CLIENTS = 2  # at each mailbox


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


Told = Callable[[str], None]


def run(plan: Plan, directory: Path, told: Told) -> Report:
    """The storm, the calm, the checks. `told` hears what happens, in words.

    Raises DovecotFailed, and FarmFailed if the farm does not even start.
    """
    report = Report("+".join(plan.strategies), plan.seed)
    with ExitStack() as stack:
        told("starting servers and farm")
        servers = [stack.enter_context(_server(plan, name, directory)) for name in plan.strategies]
        farm = stack.enter_context(Farm(directory / "farm"))
        mailboxes, readers = _connect(plan, farm, servers)
        try:
            _storm(plan, farm, mailboxes, report, told)
            _calm(plan, farm, servers, readers, report, told)
            _check(farm, mailboxes, readers, report, told)
        except FarmFailed as error:
            report.differences.append(str(error))
        finally:
            for reader in readers:
                reader.stop()
            _sum_up(servers, readers, report)
    return report


@contextmanager
def _server(plan: Plan, strategy: str, directory: Path) -> Iterator[Server]:
    started = Dovecot.start(directory / strategy, {}, capability=STRATEGIES[strategy])
    with started as dovecot, Proxy(dovecot.port, f"{plan.seed} {strategy}", plan.odds) as proxy:
        yield Server(dovecot, proxy)


def _connect(plan: Plan, farm: Farm, servers: list[Server]) -> tuple[list[Mailbox], list[Reader]]:
    """Mailboxes with some mail, each a grant, and somebody who follows its log."""
    key = farm.manage("apikey", "create", "chaos").stdout.split()[-1]
    mailboxes, readers = [], []
    for number in range(plan.mailboxes):
        server = servers[number % len(servers)]
        mailbox = Mailbox(server.dovecot, f"user{number}@example.test")
        server.dovecot.add_user(mailbox.user, PASSWORD)
        _fill(mailbox, Letters(f"old{number}", random.Random(f"{plan.seed} old{number}")), plan.mails)
        readers.append(Reader(farm, key, _grant(farm, key, mailbox, server.proxy.port)))
        mailboxes.append(mailbox)
    for reader in readers:
        reader.start()
    return mailboxes, readers


def _fill(mailbox: Mailbox, letters: Letters, count: int) -> None:
    with mailbox.client() as imap:
        for name in ("Work", "日本", "A & B"):
            imap.create_folder(name)
        for _ in range(count):
            imap.append("INBOX", letters.write())


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


def _storm(plan: Plan, farm: Farm, mailboxes: list[Mailbox], report: Report, told: Told) -> None:
    pace = Pace(plan.operations, plan.seconds)
    happened = "the storm begins"

    def tell(what: str) -> None:
        nonlocal happened
        happened = f"{what} at {pace.seconds():.0f} s"

    clients = [
        Client(mailbox, f"{number}{letter}", str(plan.seed), pace)
        for number, mailbox in enumerate(mailboxes)
        for letter in "abcdef"[:CLIENTS]
    ]
    killer = Killer(farm, pace, plan.kills, str(plan.seed), tell)
    threads: list[threading.Thread] = [*clients, killer]
    for thread in threads:
        thread.start()
    try:
        while any(client.is_alive() for client in clients):
            farm.check()
            told(f"{pace.progress():4.0%}  {pace.done.total():,} operations, {killer.done.total()} kills; {happened}")
            clients[0].join(0.5)
    finally:
        pace.stop()
        for thread in threads:
            thread.join()
        report.operations, report.refused, report.kills = pace.done, pace.refused, killer.done
        report.storm = pace.seconds()
        report.differences += [client.trouble for client in clients if client.trouble]


def _calm(plan: Plan, farm: Farm, servers: list[Server], readers: list[Reader], report: Report, told: Told) -> None:
    pace = Pace(1, plan.calm)
    for server in servers:
        server.proxy.calm()

    def tell(what: str) -> None:
        report.waited_for = what
        told(f"calm for {pace.seconds():.0f} s; {what}")

    if plan.hurry:
        resume(farm)
    report.differences += settle(farm, plan.calm, tell)
    for reader in readers:
        reader.finish()
    report.calm = pace.seconds()


def _check(farm: Farm, mailboxes: list[Mailbox], readers: list[Reader], report: Report, told: Told) -> None:
    told("auditing")
    report.differences += checks.audited(farm)
    for mailbox, reader in zip(mailboxes, readers, strict=True):
        told(f"comparing {mailbox.user} with its mirror")
        report.differences += checks.followed(reader)
        report.differences += checks.shown(reader, mailbox)
        report.differences += checks.counted(reader, mailbox)
    report.differences += checks.stored(farm)
    report.messages, report.folders = farm.rows(
        "SELECT (SELECT count(*) FROM mail_message), count(*) FROM mail_folder"
    )[0]


def _sum_up(servers: list[Server], readers: list[Reader], report: Report) -> None:
    for server in servers:
        report.faults += server.proxy.struck
        report.sessions += server.proxy.sessions
    report.entries = sum(reader.entries for reader in readers)
    report.interruptions = sum(reader.interruptions for reader in readers)
