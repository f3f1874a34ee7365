"""The results told: docs/performance.md, and the same tables on the terminal."""

from collections.abc import Mapping, Sequence

from bench.outcome import Outcome, table
from bench.results import Kept

_PAGE = """\
# Performance

Written by `make bench`; change bench/, not this page. Every figure is the median of several runs on one machine, with
the programs it is compared with in the same run; each is checked to be right before it counts.

{judged}

"Reached" is the share of the goal: 100 % and more meets it.

{sections}

## Measure it yourself

    make bench                                        # all of it; mailboxes are made once and kept in var/bench
    .venv/bin/python -m bench --only unchanged growth # some of it; the other figures stay as they were
    .venv/bin/python -m bench --quick                 # everything small and once, to see that it runs
    .venv/bin/python -m bench --messages 2000         # a smaller initial sync
    .venv/bin/python -m bench --profile cpu           # where our CPU goes, by py-spy; `wall` counts waiting, too

Run it on a machine that does nothing else. Small runs are written to var/bench, never here. Every run of every figure:
bench/results.json.
"""
_SECTION = """\
## {title}

Measured on {date}, medians of {medians}: {machine}.

{text}"""


def render(found: Mapping[str, Kept], quoted: Sequence[Outcome]) -> str:
    """The whole page as Markdown. `quoted`: of reports that drivers with a command of their own left."""
    sections = [_section(kept) for kept in found.values()]
    sections += [f"## {outcome.title}\n\n{outcome.text}" for outcome in quoted]
    return _PAGE.format(judged=judged(found, quoted), sections="\n\n".join(sections))


def judged(found: Mapping[str, Kept], quoted: Sequence[Outcome] = ()) -> str:
    """The table of goals."""
    outcomes = [*(kept.outcome for kept in found.values()), *quoted]
    rows = [line.cells() for outcome in outcomes for line in outcome.judged]
    return table(("figure", "to reach", "measured", "reached"), rows)


def _section(kept: Kept) -> str:
    machine = ", ".join(
        f"{value} {name}" if name == "cores" else f"{name} {value}" for name, value in kept.machine.items()
    )
    return _SECTION.format(
        title=kept.outcome.title,
        date=kept.measured_on,
        medians=kept.outcome.medians,
        machine=machine,
        text=kept.outcome.text,
    )
