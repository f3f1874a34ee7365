"""`python -m bench.chaos`: a farm in a storm of changes, kills and network faults; then whether it tells the truth."""

import argparse
import logging
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from bench.chaos.farm import FarmFailed
from bench.chaos.faults import ODDS, UNNOTICEABLE
from bench.chaos.progress import Progress
from bench.chaos.report import Report, write
from bench.chaos.run import run
from bench.chaos.scene import STRATEGIES, Plan
from syncfarm.dovecot import DovecotFailed

_SECONDS_A_KILL = 15.0  # more often, and the farm hardly gets to sync
_OPERATIONS_A_SECOND = 40.0


def main() -> None:
    """Run what the command line asks for; status 1 if anything differs."""
    options = _options()
    logging.getLogger("imapclient").setLevel(logging.ERROR)  # it warns of names that are not ASCII in refusals
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped
    reports = []
    for strategies in _strategies(options.strategy):
        reports.append(_run(options, strategies))
        print(f"\r\033[K{reports[-1].text()}" if sys.stdout.isatty() else reports[-1].text(), flush=True)
        if options.json:
            write(reports, options.json)
    sys.exit(any(report.differences for report in reports))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.chaos", description=__doc__)
    parser.add_argument("--operations", type=int, default=5_000, help="of all clients together, for each strategy")
    parser.add_argument("--kills", type=int, default=20, help="spread over the run")
    parser.add_argument("--strategy", choices=[*STRATEGIES, "all", "mixed"], default="all",
                        help="all: one run each; mixed: one run, mailboxes in turn")  # fmt: skip
    parser.add_argument("--seed", type=int, default=None, help="what is drawn; when it strikes is the machine's")
    parser.add_argument("--seconds", type=float, help="to spread it over; by default as long as it needs")
    parser.add_argument("--mailboxes", type=int, default=4)
    parser.add_argument("--calm", type=float, default=900.0, help="seconds that the farm has to become idle")
    parser.add_argument("--fault", action="append", type=_fault, metavar="KIND=SHARE", default=[],
                        help=f"of the connections, instead of {dict(ODDS)}")  # fmt: skip
    parser.add_argument("--json", type=Path, help="where the report goes too")
    parser.add_argument("--keep", type=Path, help="a directory for logs and data; else they go with the run")
    options = parser.parse_args()
    if options.operations < 1 or options.kills < 0 or options.mailboxes < 1:
        parser.error("at least one operation and one mailbox, and no less than no kills")
    options.seed = int(time.time()) if options.seed is None else options.seed
    return options


def _fault(text: str) -> tuple[str, float]:
    kind, _, share = text.partition("=")
    if kind not in {*ODDS, UNNOTICEABLE}:
        raise argparse.ArgumentTypeError(f"{kind} is none of {', '.join(ODDS)}, {UNNOTICEABLE}")
    return kind, float(share)


def _strategies(asked: str) -> list[tuple[str, ...]]:
    if asked == "mixed":
        return [tuple(STRATEGIES)]
    return [(name,) for name in STRATEGIES] if asked == "all" else [(asked,)]


def _run(options: argparse.Namespace, strategies: tuple[str, ...]) -> Report:
    seconds = options.seconds or max(options.kills * _SECONDS_A_KILL, options.operations / _OPERATIONS_A_SECOND)
    plan = Plan(
        strategies, options.seed, options.operations, options.kills, seconds,
        mailboxes=options.mailboxes, calm=options.calm, odds=dict(options.fault) or ODDS,
    )  # fmt: skip
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix=f"chaos-{'-'.join(strategies)}-{options.seed}-", dir=options.keep))
    try:
        return run(plan, directory, Progress(f"{plan.strategies[0] if len(strategies) == 1 else 'mixed'}: ").tell)
    except (DovecotFailed, FarmFailed) as error:
        sys.exit(f"The run with seed {options.seed} failed: {error}")
    finally:
        if not options.keep:
            shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
