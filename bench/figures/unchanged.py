"""A mailbox of fifty folders in which nothing happened since the last sync."""

from dataclasses import asdict

from bench.outcome import Judged, Outcome, table
from bench.relay import CountingRelay
from bench.stand import Stand
from bench.turns import Turn, Turns, middle

TITLE = "Nothing changed"
MESSAGES = 20_000
FOLDERS = 50
TURNS = 50
SAMPLE = 100

_TEXT = """\
A sync of {messages:,} messages in {folders} folders in which nothing happened since the last one, by a process as a
worker's: gevent, a pool of database connections, the lease claimed for it by the dispatcher. From taking the lease to
giving it back, login and logout included. A relay between worker and server counts
connections, octets both ways and round trips: each time that the client speaks after the server did. Statements are
what PostgreSQL's log tells; those that only begin or end a transaction are counted apart.

{figures}"""


def measure(stand: Stand) -> Outcome:
    """Mirror, verify, then turn after turn."""
    box = stand.mailbox(stand.scaled(MESSAGES), FOLDERS)
    with CountingRelay(stand.server.port) as relay, stand.farm(log_statements=True) as farm:
        (account,) = farm.connect([box], relay.port)
        with farm.database() as database, stand.bar(f"{FOLDERS} folders mirrored", box.messages) as told:
            farm.step("initial", account, tick=lambda: told(database.mirrored()))
        farm.verify([account], [box], stand.server.port, SAMPLE)
        turns = stand.scaled(TURNS)
        worker = Turns(farm.environment(as_worker=True), relay, farm.statements(), farm.directory / "turns.log")
        with worker, stand.bar(f"{FOLDERS} folders, nothing changed", turns) as told:
            worker.make(account)  # the first one after the copy is an ordinary sync's first
            found = []
            for number in range(1, turns + 1):
                found.append(worker.make(account))
                told(number)
    text = _TEXT.format(messages=box.messages, folders=FOLDERS, figures=_table(middle(found)))
    return Outcome(TITLE, f"{turns} turns", _judged(middle(found)), text, {"turns": [asdict(turn) for turn in found]})


def _judged(turn: Turn) -> list[Judged]:
    return [
        Judged("unchanged account: connections", 1, turn.connections),
        Judged("unchanged account: round trips", 4, turn.round_trips),
        Judged("unchanged account: worker CPU", 8, turn.cpu * 1000, " ms"),
        Judged("unchanged account: statements", 6, turn.statements),
    ]


def _table(turn: Turn) -> str:
    names = ("connections", "round trips", "octets", "worker CPU", "time", "statements", "BEGIN, COMMIT")
    return table(
        names,
        [
            [
                f"{turn.connections:.0f}",
                f"{turn.round_trips:.0f}",
                f"{turn.octets:,.0f}",
                f"{turn.cpu * 1000:.1f} ms",
                f"{turn.wall * 1000:.0f} ms",
                f"{turn.statements:.0f}",
                f"{turn.frames:.0f}",
            ]
        ],
    )
