"""`make bench`: the initial sync of a generated mailbox beside mbsync's copy of it, and syncs that find nothing new."""

import argparse
import fcntl
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bench import mailbox, ours, page, peer, profiling, results
from bench.mailbox import Mailbox
from bench.watching import RunFailed
from syncfarm.dovecot import Dovecot, DovecotFailed
from syncfarm.embedded import ServiceFailed

MESSAGES = 20_000
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
            bench = _Bench(server, progress)
            if options.profile:
                shown = bench.profile(options.messages)
            else:
                shown = page.write(bench.compare(options.messages, options.runs), *_destination(options.messages))
    except (DovecotFailed, ServiceFailed, RunFailed) as error:
        sys.exit(f"The benchmark failed: {error}")
    console.print(shown, markup=False, highlight=False, soft_wrap=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--messages", type=int, default=MESSAGES, help="of the mailbox; the default is what counts")
    parser.add_argument("--runs", type=int, default=3, help="of each side, in turn")
    parser.add_argument("--profile", action="store_true", help="one run of our side under py-spy instead")
    options = parser.parse_args()
    if options.messages < 10 or options.runs < 1:
        parser.error("at least 10 messages and one run")
    return options


def _destination(messages: int) -> tuple[Path, Path]:
    """Where results and page go. A smaller run is for trying out: its figures are not the project's."""
    if messages == MESSAGES:
        return ROOT / "bench" / "results.json", ROOT / "docs" / "performance.md"
    return VAR / "results.json", VAR / "performance.md"


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


class _Bench:
    """The steps, each with a bar of its own."""

    def __init__(self, server: Dovecot, progress: Progress) -> None:
        self._server = server
        self._progress = progress

    def compare(self, messages: int, runs: int) -> results.Results:
        """Ours, mbsync, ours, mbsync, …; after our last run the syncs that find nothing new."""
        large, small = self._mailbox(messages), self._mailbox(messages // 10)
        peers = peer.installed()
        if not peers:
            console.print("mbsync is not installed (Debian and Ubuntu: apt-get install isync): measuring without it.")
        found = results.Results(results.machine(), large.messages, large.size)
        for number in range(1, runs + 1):
            with ours.Farm(self._server, VAR / "farm") as farm:
                account = farm.connect(large)
                with self._bar(f"Syncfarm, run {number} of {runs}", large.messages) as told:
                    found.ours.append(farm.initial(account, large, told))
                if number == runs:
                    found.quiet.extend([self._quiet(farm, small), farm.quiet(account, large)])
            if peers:
                with self._bar(f"mbsync, run {number} of {runs}", large.messages) as told:
                    found.mbsync.append(peer.copy(self._server, large, VAR / "maildir", told))
        return found

    def profile(self, messages: int) -> str:
        """One initial sync under the profiler; where its time went."""
        large = self._mailbox(messages)
        with ours.Farm(self._server, VAR / "farm") as farm:
            account = farm.connect(large)
            with self._bar("Syncfarm under py-spy", large.messages) as told:
                farm.initial(account, large, told, recorder=profiling.recorder(VAR / "profile.folded"))
        return profiling.table(VAR / "profile.folded")

    def _quiet(self, farm: ours.Farm, small: Mailbox) -> ours.Quiet:
        account = farm.connect(small)
        with self._bar("Syncfarm, a smaller mailbox", small.messages) as told:
            farm.initial(account, small, told)
        return farm.quiet(account, small)

    def _mailbox(self, messages: int) -> Mailbox:
        with self._bar(f"Mailbox of {messages:,}", messages) as told:
            made = mailbox.ready(self._server, messages, told)
        mailbox.warm(self._server, made)
        return made

    @contextmanager
    def _bar(self, description: str, total: int) -> Iterator[Callable[[int], None]]:
        task: TaskID = self._progress.add_task(description, total=total)
        yield lambda done: self._progress.update(task, completed=min(done, total))
        self._progress.update(task, completed=total)
        self._progress.stop_task(task)


if __name__ == "__main__":
    main()
