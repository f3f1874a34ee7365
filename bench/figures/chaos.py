"""What survived last time: the chaos driver has a command of its own and leaves a report; it is quoted here."""

import json
from pathlib import Path
from typing import Any

from bench.outcome import Judged, Outcome, table

TITLE = "Chaos"
REPORT = Path(__file__).resolve().parent.parent / "chaos" / "results.json"
OPERATIONS, KILLS = 100_000, 200

_TEXT = """\
`python -m bench.chaos --json bench/chaos/results.json` changes mailboxes from several IMAP clients, and over REST, at
random while the farm syncs them, kills its processes, PostgreSQL and Valkey, and cuts, stalls and corrupts the
connections to the mail server. In the end the mirror has to be what the server has. Its last report:

{figures}"""


def last(report: Path = REPORT) -> Outcome | None:
    """The driver's last report, None where there is none."""
    if not report.exists():
        return None
    runs: list[dict[str, Any]] = json.loads(report.read_text())
    return Outcome(
        TITLE, "one run each", [each for run in runs for each in _judged(run)], _TEXT.format(figures=_table(runs))
    )


def _judged(run: dict[str, Any]) -> list[Judged]:
    name = f"chaos on {run['strategy']}"
    return [
        Judged(f"{name}: operations", OPERATIONS, _total(run, "operations"), at_most=False),
        Judged(f"{name}: kills", KILLS, _total(run, "kills"), at_most=False),
        Judged(f"{name}: differences", 0, len(run["differences"])),
    ]


def _table(runs: list[dict[str, Any]]) -> str:
    names = (
        "strategy",
        "seed",
        "operations",
        "over REST",
        "kills",
        "network faults",
        "messages in the end",
        "differences",
    )
    rows = [
        [
            run["strategy"],
            str(run["seed"]),
            f"{_total(run, 'operations'):,}",
            f"{sum(count for kind, count in run['operations'].items() if kind.endswith('over REST')):,}",
            *(f"{_total(run, name):,}" for name in ("kills", "faults")),
            f"{run['messages']:,}",
            str(len(run["differences"])),
        ]
        for run in runs
    ]
    return table(names, rows)


def _total(run: dict[str, Any], name: str) -> int:
    return sum(run[name].values())
