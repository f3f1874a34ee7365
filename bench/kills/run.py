"""One run, from the first server to the last law."""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psycopg2

from bench.chaos.farm import Farm, FarmFailed
from bench.chaos.settling import settle
from bench.kills import checks
from bench.kills.killer import Budget, Killer
from bench.kills.lapsing import CLAIMS, LEASES, Lapsing
from bench.kills.launcher import KILLED
from bench.kills.report import Report, quantiles
from bench.kills.scene import Plan, Scene, prepared
from bench.kills.user import User

Told = Callable[[str], None]

_ACTIONS = (
    "SELECT kind || ': ' || CASE state WHEN 'failed' THEN error ELSE state END, count(*) FROM mail_action GROUP BY 1"
)
_OPEN = "SELECT count(*) FROM mail_outgoing WHERE ended_at IS NULL"
# Time passes faster where nobody is alive who could mind.
_HURRY = (
    "UPDATE mail_outgoing SET next_try_at = now() WHERE ended_at IS NULL AND claim IS NULL AND next_try_at > now()",
    "UPDATE mail_action SET next_try_at = now() WHERE state = 'pending' AND next_try_at > now()",
    "UPDATE mail_gap SET next_try_at = now()",  # a message at which workers died thrice has an hour to wait
    "UPDATE accounts_account SET next_sync_at = now() WHERE next_sync_at > now()",
)


def run(plan: Plan, directory: Path, told: Told) -> Report:
    """The storm, the calm, the laws. Raises DovecotFailed, and FarmFailed if the farm does not even start."""
    report = Report(plan.seed, plan.mailboxes)
    told("starting servers and farm")
    with prepared(plan, directory, told) as scene:
        try:
            storm(plan, scene, report, told)
            calm(plan, scene, report, told)
        except FarmFailed as error:
            report.violations.append(str(error))
        told("looking at the laws")
        report.violations += check(scene)
        sum_up(scene, report)
    return report


def storm(plan: Plan, scene: Scene, report: Report, told: Told) -> None:
    """Users work, killers kill. Raises FarmFailed."""
    began = time.monotonic()
    users: list[User] = [*scene.movers, *scene.writers]
    budget = Budget(plan.kills)
    killers = [Killer(scene.farm, queue, budget, str(plan.seed), scene.moments) for queue in KILLED.values()]
    everybody: list[User | Killer | Lapsing] = [*killers, *users, Lapsing(scene.farm, LEASES)]
    for thread in everybody:
        thread.start()
    try:
        while any(killer.is_alive() for killer in killers) and time.monotonic() < began + plan.seconds:
            scene.farm.check()
            done = sum(killer.points.total() for killer in killers)
            asked = sum(user.answers.total() for user in users)
            told(f"{done / plan.kills:4.0%}  {done} kills, {asked:,} requests, {time.monotonic() - began:.0f} s")
            killers[0].stopped.wait(0.5)
    finally:
        for each in everybody:
            each.stopped.set()
        for each in everybody:
            each.join()
            report.violations += [each.trouble] if each.trouble else []
    report.storm = time.monotonic() - began
    for killer in killers:
        report.kills += killer.points
        report.found += killer.found


def calm(plan: Plan, scene: Scene, report: Report, told: Told) -> None:
    """Until nothing is open any more. Raises FarmFailed."""
    began = last = time.monotonic()
    scene.sink.calm = True
    for gate in scene.gates:
        gate.calm = True
    lapsing = Lapsing(scene.farm, LEASES, CLAIMS)
    if plan.hurry:
        lapsing.start()

    def tell(what: str) -> None:
        nonlocal last
        told(f"calm for {time.monotonic() - began:.0f} s; {what}")
        if plan.hurry and time.monotonic() - last > 3:
            last = time.monotonic()
            _hurry(scene.farm)

    while still := scene.farm.rows(_OPEN)[0][0]:
        if time.monotonic() > began + plan.calm:
            break
        tell(f"{still} messages are on their way")
        time.sleep(0.5)
    report.violations += checks.few(settle(scene.farm, plan.calm, tell))
    lapsing.stopped.set()
    report.calm = time.monotonic() - began


def _hurry(farm: Farm) -> None:
    connection = psycopg2.connect(farm.facts["database_url"])
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for statement in _HURRY:
                cursor.execute(statement)
    finally:
        connection.close()


def check(scene: Scene) -> list[str]:
    """Every violation, in words."""
    rows = checks.sendings(scene.farm)
    found = checks.sent_once(rows, scene.sink)
    for mover, writer, mailbox in zip(scene.movers, scene.writers, scene.mailboxes, strict=True):
        found += checks.nothing_lost(rows, writer.book)
        found += checks.filed(rows, writer.book, mover.book.places, mailbox)
    return [*found, *checks.agreeing(scene.farm)]


def sum_up(scene: Scene, report: Report) -> None:
    """The figures that are there at the end."""
    rows = checks.sendings(scene.farm)
    report.ended = Counter(each.state for each in rows)
    report.taken_uncertain = sum(scene.sink.taken[each.header_id] for each in rows if each.state == "uncertain")
    report.sent_after_deaths = scene.farm.rows("SELECT count(*) FROM mail_outgoing WHERE tries > 1")[0][0]
    report.moves.update(dict(scene.farm.rows(_ACTIONS)))
    report.moves_after_deaths = scene.farm.rows("SELECT count(*) FROM mail_action WHERE tries > 1")[0][0]
    for user in (*scene.movers, *scene.writers):
        report.answers += user.answers
    report.waits = quantiles([wait for user in scene.writers for wait in user.book.waits])
