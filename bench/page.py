"""The results told: docs/performance.md, results.json beside it, and the tables on the terminal."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

from bench.ours import QUIET_TURNS, SAMPLE, Quiet, Run
from bench.results import Results, median, wall_ratio
from bench.watching import Cost

_PAGE = """\
# Performance

Written by `make bench`; change bench/page.py, not this page. Measured on {date}: {machine}.

## Initial sync

One INBOX of {messages:,} messages ({size:.0f} MB) on a Dovecot on the same machine, generated, the same at every run:
plain text, newsletters in HTML, attachments up to 4 MB, conversations, encoded headers, several charsets. **Syncfarm**
mirrors it with one worker process into an empty PostgreSQL that syncs every commit to disk, as in a farm: messages
read, threads assigned, raw MIME kept, every change in the log. **mbsync** copies it to an empty Maildir on the same
disk with its own defaults (it, too, syncs to disk). They take turns; the last line of each is the median of its runs.

{initial}

{verdict}

Seconds count from the moment when the worker's code is loaded, for a farm's worker runs already, to the last commit;
for mbsync from its start to its end. CPU is user and system time of that one process, MB/s are of raw mail, memory is
the peak. PostgreSQL's CPU is that of all its processes. The search index is filled behind the sync and is not part of
this. After each run another IMAP client compares every UID and its flags with the mirror, {sample} messages byte by
byte, and the change log is checked for holes; of mbsync's copy the messages are counted. What is wrong ends the
benchmark.

## Nothing changed

A sync of a mailbox in which nothing happened since the last one, from taking the lease to giving it back, login
included: the median of {turns} turns. Round trips and octets are counted by a relay between worker and server.

{quiet}

## Measure it yourself

    make bench                                          # all of it; the mailbox is made once and kept in var/bench
    .venv/bin/python -m bench --messages 2000 --runs 1  # smaller, results under var/bench only
    .venv/bin/python -m bench --profile                 # where our time goes, by py-spy

Run it on a machine that does nothing else. All figures: bench/results.json.
"""


def write(found: Results, results: Path, page: Path) -> str:
    """Write both files; returns the tables for the terminal."""
    results.write_text(json.dumps(asdict(found), indent=1) + "\n")
    page.write_text(render(found))
    return "\n\n".join([initial_table(found), verdict(found), quiet_table(found.quiet), f"Written: {page.name}"])


def render(found: Results) -> str:
    """The whole page as Markdown."""
    return _PAGE.format(
        date=found.measured_on,
        machine=", ".join(f"{value} {name}" if name == "cores" else f"{name} {value}" for name, value in _facts(found)),
        messages=found.messages,
        size=found.size / 1e6,
        initial=initial_table(found),
        verdict=verdict(found),
        sample=min(SAMPLE, found.messages),
        turns=QUIET_TURNS,
        quiet=quiet_table(found.quiet),
    )


def _facts(found: Results) -> Iterable[tuple[str, str]]:
    return ((name, value.removeprefix("isync ")) for name, value in found.machine.items())


def initial_table(found: Results) -> str:
    """Every run and both medians."""
    names = ("", "seconds", "messages/s", "MB/s", "CPU s", "CPU ms/message", "peak memory", "PostgreSQL CPU s")
    rows = [_row(found, f"Syncfarm, run {number}", run) for number, run in enumerate(found.ours, 1)]
    rows += [_row(found, f"mbsync, run {number}", cost) for number, cost in enumerate(found.mbsync, 1)]
    rows.append(_row(found, "**Syncfarm**", _middle_run(found.ours)))
    if found.mbsync:
        rows.append(_row(found, "**mbsync**", _middle_cost(found.mbsync)))
    return _table(names, rows)


def _row(found: Results, name: str, run: Run | Cost) -> list[str]:
    return [
        name,
        f"{run.wall:.1f}",
        f"{found.messages / run.wall:,.0f}",
        f"{found.size / run.wall / 1e6:.1f}",
        f"{run.cpu:.1f}",
        f"{run.cpu / found.messages * 1000:.2f}",
        f"{run.memory / 2**20:.0f} MB",
        f"{run.postgres_cpu:.1f}" if isinstance(run, Run) else "",
    ]


def _middle_run(runs: Sequence[Run]) -> Run:
    return Run(
        median(runs, lambda run: run.wall),
        median(runs, lambda run: run.cpu),
        int(median(runs, lambda run: run.memory)),
        median(runs, lambda run: run.postgres_cpu),
        int(median(runs, lambda run: run.database)),
    )


def _middle_cost(costs: Sequence[Cost]) -> Cost:
    return Cost(
        median(costs, lambda cost: cost.wall),
        median(costs, lambda cost: cost.cpu),
        int(median(costs, lambda cost: cost.memory)),
    )


def verdict(found: Results) -> str:
    """The medians in a sentence."""
    database = f"The database holds {_middle_run(found.ours).database / 1e6:.0f} MB after it, indexes included."
    if not found.mbsync:
        return f"mbsync was not installed, so there is nothing to compare with. {database}"
    ratio = wall_ratio(found)
    faster, slower = ("Syncfarm", "mbsync") if ratio >= 1 else ("mbsync", "Syncfarm")
    return f"{slower} takes {max(ratio, 1 / ratio):.2f} times as long as {faster}. {database}"


def quiet_table(quiet: Sequence[Quiet]) -> str:
    """One line a mailbox."""
    rows = [
        [f"{each.messages:,}", f"{each.wall * 1000:.0f} ms", str(each.round_trips), f"{each.octets:,}"]
        for each in quiet
    ]
    return _table(("messages in the mailbox", "time", "round trips", "octets"), rows)


def _table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table whose columns line up in a terminal, too."""
    widths = [max(len(row[column]) for row in [names, *rows]) for column in range(len(names))]

    def line(cells: Sequence[str]) -> str:
        first, *figures = cells
        padded = [cell.rjust(width) for cell, width in zip(figures, widths[1:], strict=True)]
        return "| " + " | ".join([first.ljust(widths[0]), *padded]) + " |"

    rule = "|" + "|".join(["-" * (widths[0] + 2), *("-" * (width + 1) + ":" for width in widths[1:])]) + "|"
    return "\n".join([line(names), rule, *(line(row) for row in rows)])
