"""Twenty accounts at once, on two workers of the farm's own."""

from dataclasses import asdict

from bench import mailbox
from bench.outcome import Judged, Outcome, table
from bench.rush import Rush, middle, rushes
from bench.stand import Stand

TITLE = "Many accounts at once"
ACCOUNTS = 20
MESSAGES = 5_000  # each
WORKERS = 2
SAMPLE = 50  # messages of each account whose bytes are compared

_TEXT = """\
{accounts} accounts of {messages:,} messages each become due at the same time; {workers} worker processes, started by
the Procfile's own command, take them from the queue in Valkey. The clock runs from the moment when they are due to the
moment when every account is whole. Beat's tick, once a second, is played by the benchmark. After each run every account
is verified as above, {sample} messages of each byte by byte. Every account's mail is a copy of the same mailbox; the
farm shares nothing between accounts, so it does all the work for each.

{runs}

CPU is that of both workers from their start, memory the larger one's peak, connections to PostgreSQL the most that one
worker held."""


def measure(stand: Stand) -> Outcome:
    """All runs."""
    original = stand.mailbox(stand.scaled(MESSAGES))
    boxes = mailbox.copies(stand.server, original, ACCOUNTS)
    runs = rushes(stand, boxes, WORKERS, SAMPLE)
    total = ACCOUNTS * original.messages
    rate = total / middle(runs).wall
    judged = Judged(
        f"{ACCOUNTS} accounts of {original.messages:,} at once, {WORKERS} workers",
        3_000,
        rate,
        " messages/s",
        at_most=False,
    )
    text = _TEXT.format(
        accounts=ACCOUNTS, messages=original.messages, workers=WORKERS, sample=SAMPLE, runs=_table(runs, total)
    )
    return Outcome(
        TITLE,
        stand.medians,
        [judged],
        text,
        {"accounts": ACCOUNTS, "messages": total, "runs": [asdict(run) for run in runs]},
    )


def _table(runs: list[Rush], total: int) -> str:
    rows = [
        [
            name,
            f"{run.wall:.1f}",
            f"{total / run.wall:,.0f}",
            f"{run.cpu:.1f}",
            f"{run.postgres_cpu:.1f}",
            f"{run.memory / 2**20:.0f} MB",
            f"{run.connections:.0f}",
        ]
        for name, run in [
            *((f"run {number}", run) for number, run in enumerate(runs, start=1)),
            ("**median**", middle(runs)),
        ]
    ]
    return table(
        ("", "seconds", "messages/s", "CPU s", "PostgreSQL CPU s", "peak memory", "database connections"), rows
    )
