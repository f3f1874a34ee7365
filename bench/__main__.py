"""`make bench`: every figure by which the project is judged, beside peers; the table of contents is bench.figures."""

import argparse
import fcntl
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import machine, page, results
from bench.figures import FIGURES, chaos, initial, kills
from bench.peers import mbsync, offlineimap
from bench.stand import Stand
from bench.watching import RunFailed
from syncfarm.dovecot import Dovecot, DovecotFailed
from syncfarm.embedded import ServiceFailed

RUNS = 5
ROOT = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("SYNCFARM_VAR") or ROOT / "var") / "bench"

console = Console()


def main() -> None:
    """Run what the command line asks for."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped
    VAR.mkdir(parents=True, exist_ok=True)
    try:
        with _alone(), Dovecot.start(VAR / "dovecot", {}) as server, _progress() as progress:
            stand = Stand(server, VAR, progress, options.runs, options.quick, options.messages)
            shown = initial.profile(stand, options.profile) if options.profile else _measure(stand, options.only)
    except (DovecotFailed, ServiceFailed, RunFailed) as error:
        sys.exit(f"The benchmark failed: {error}")
    console.print(shown, markup=False, highlight=False, soft_wrap=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--only", nargs="+", choices=list(FIGURES), metavar="FIGURE", help=", ".join(FIGURES))
    parser.add_argument("--runs", type=int, help=f"of each side, in turn; {RUNS} unless --quick or --messages")
    parser.add_argument("--quick", action="store_true", help="small mailboxes, one run: to see that all of it runs")
    parser.add_argument("--messages", type=int, default=0, help="of the initial sync's mailbox, and that figure alone")
    parser.add_argument(
        "--profile", nargs="?", const="wall", choices=["wall", "cpu"], help="one initial sync under py-spy instead"
    )
    options = parser.parse_args()
    if options.only is None:
        options.only = ["initial"] if options.messages else list(FIGURES)
    if options.runs is None:
        options.runs = 1 if options.quick or options.messages else RUNS
    if options.runs < 1 or 0 < options.messages < 10:
        parser.error("at least 10 messages and one run")
    return options


def _measure(stand: Stand, names: list[str]) -> str:
    """Each figure, kept as soon as it is measured; the tables for the terminal."""
    for peer in (mbsync, offlineimap):
        if "initial" in names and not peer.version():
            console.print(f"{peer.NAME} is not installed (Debian and Ubuntu: apt-get install {peer.PACKAGE}).")
    kept, written = _destination(stand)
    found = results.load(kept)
    here = machine.described()
    shown = []
    for name in names:
        outcome = FIGURES[name](stand)
        found[name] = results.Kept.now(outcome, here)
        found = {figure: found[figure] for figure in FIGURES if figure in found}  # in the page's order
        results.save(kept, found)
        written.write_text(page.render(found, [*filter(None, (chaos.last(), kills.last()))]))
        shown.append("\n".join([outcome.title, *outcome.tables(), ""]))
    judged = page.judged({name: found[name] for name in names})
    return "\n".join([*shown, judged, f"\nWritten: {kept.name}, {written.name}"])


def _destination(stand: Stand) -> tuple[Path, Path]:
    """Where results and page go. A smaller run is for trying out: its figures are not the project's."""
    if stand.quick or stand.messages not in (0, initial.MESSAGES):
        return VAR / "results.json", VAR / "performance.md"
    return ROOT / "bench" / "results.json", ROOT / "docs" / "performance.md"


@contextmanager
def _alone() -> Iterator[None]:
    with (VAR / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("Another benchmark runs in this tree; two at once would measure each other.")
        yield


def _progress() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    return Progress(*columns, console=console, refresh_per_second=1)  # drawing takes CPU from what is measured


if __name__ == "__main__":
    main()
