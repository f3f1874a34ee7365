"""One run, from the first server to the last check."""

import threading
from collections.abc import Callable
from pathlib import Path

from bench.chaos import checks
from bench.chaos.application import Application
from bench.chaos.clients import Client
from bench.chaos.farm import FarmFailed
from bench.chaos.faults import UNNOTICEABLE
from bench.chaos.killer import Killer
from bench.chaos.pace import Pace
from bench.chaos.report import Report
from bench.chaos.scene import Plan, Scene, prepared
from bench.chaos.settling import repair, resume, settle

CLIENTS = 2  # at each mailbox

_ENDED = "SELECT CASE state WHEN 'failed' THEN error ELSE state END, count(*) FROM mail_action GROUP BY 1"

Told = Callable[[str], None]


def run(plan: Plan, directory: Path, told: Told) -> Report:
    """The storm, the calm, the checks. `told` hears what happens, in words.

    Raises DovecotFailed, and FarmFailed if the farm does not even start.
    """
    report = Report("+".join(plan.strategies), plan.seed)
    told("starting servers and farm")
    with prepared(plan, directory) as scene:
        try:
            storm(plan, scene, report, told)
            calm(plan, scene, report, told)
            report.differences += check(scene, told)
            sum_up(scene, report)
        except FarmFailed as error:
            report.differences.append(str(error))
    return report


def storm(plan: Plan, scene: Scene, report: Report, told: Told) -> None:
    """Clients and applications change mailboxes, the killer kills, the proxies do what they do. Raises FarmFailed."""
    pace = Pace(plan.operations, plan.seconds)
    happened = "the storm begins"

    def tell(what: str) -> None:
        nonlocal happened
        happened = f"{what} at {pace.seconds():.0f} s"

    clients = [
        Client(mailbox, f"{number}{letter}", str(plan.seed), pace)
        for number, mailbox in enumerate(scene.mailboxes[:-1])
        for letter in "abcdef"[:CLIENTS]
    ]
    alone = scene.readers[-1]
    applications = [
        Application(
            scene.farm, scene.key, reader.account, str(plan.seed), pace, scene.ledger if reader is alone else None
        )
        for reader in scene.readers
    ]
    killer = Killer(scene.farm, pace, plan.kills, str(plan.seed), tell)
    threads: list[threading.Thread] = [*clients, *applications, killer]
    for thread in threads:
        thread.start()
    try:
        while any(client.is_alive() for client in clients):
            scene.farm.check()
            told(f"{pace.progress():4.0%}  {pace.done.total():,} operations, {killer.done.total()} kills; {happened}")
            clients[0].join(0.5)
    finally:
        pace.stop()
        for thread in threads:
            thread.join()
        report.operations, report.refused, report.kills = pace.done, pace.refused, killer.done
        report.storm = pace.seconds()
        report.differences += [client.trouble for client in clients if client.trouble]
        report.differences += [application.trouble for application in applications if application.trouble]


def calm(plan: Plan, scene: Scene, report: Report, told: Told) -> None:
    """No faults any more; until the farm is idle and its readers have read everything. Raises FarmFailed."""
    pace = Pace(1, plan.calm)
    for server in scene.servers:
        server.proxy.calm()

    def tell(what: str) -> None:
        report.waited_for = what
        told(f"calm for {pace.seconds():.0f} s; {what}")

    if plan.hurry:
        resume(scene.farm)
    report.differences += settle(scene.farm, plan.calm, tell)
    if plan.odds.get(UNNOTICEABLE):
        told("repairing what nobody could notice")
        report.repaired = sum(repair(scene.farm, mailbox) for mailbox in scene.mailboxes)
        report.differences += settle(scene.farm, plan.calm, tell)
    for reader in scene.readers:
        reader.finish()
    report.calm = pace.seconds()


def check(scene: Scene, told: Told) -> list[str]:
    """Every difference, in words."""
    told("auditing")
    found, refused = checks.audited(scene.farm), checks.refused(scene.farm)
    for mailbox, reader in zip(scene.mailboxes, scene.readers, strict=True):
        told(f"comparing {mailbox.user} with its mirror")
        found += [*checks.followed(reader), *checks.shown(reader, mailbox, refused), *checks.counted(reader, mailbox)]
    found += checks.obeyed(scene.farm, scene.readers[-1], scene.mailboxes[-1], scene.ledger, scene.filled)
    return [*found, *checks.stored(scene.farm)]


def sum_up(scene: Scene, report: Report) -> None:
    """The figures that are there at the end."""
    for server in scene.servers:
        report.faults += server.proxy.struck
        report.sessions += server.proxy.sessions
    report.entries = sum(reader.entries for reader in scene.readers)
    report.interruptions = sum(reader.interruptions for reader in scene.readers)
    counted = "SELECT (SELECT count(*) FROM mail_message), count(*) FROM mail_folder"
    report.messages, report.folders = scene.farm.rows(counted)[0]
    ended = (
        "SELECT CASE state WHEN 'failed' THEN 'failed: ' || error ELSE state END, count(*) FROM mail_action GROUP BY 1"
    )
    report.actions.update(dict(scene.farm.rows(ended)))
