"""`python -m bench.kills`: workers that die a thousand times amid sending and moving, and what became of the mail."""

import argparse
import logging
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from bench.chaos.farm import FarmFailed
from bench.chaos.progress import Progress
from bench.kills.run import run
from bench.kills.scene import Plan
from syncfarm.dovecot import DovecotFailed


def main() -> None:
    """Run what the command line asks for; status 1 if a law is broken."""
    options = _options()
    logging.getLogger("imapclient").setLevel(logging.ERROR)
    logging.getLogger("mail.log").setLevel(logging.CRITICAL)  # aiosmtpd's, of conversations that were cut off
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that servers are stopped
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix=f"kills-{options.seed}-", dir=options.keep))
    try:
        plan = Plan(options.seed, options.kills, options.mailboxes, seconds=options.seconds)
        report = run(plan, directory, Progress("kills: ").tell)
    except (DovecotFailed, FarmFailed) as error:
        sys.exit(f"The run with seed {options.seed} failed: {error}")
    finally:
        if not options.keep:
            shutil.rmtree(directory, ignore_errors=True)
    print(f"\r\033[K{report.text()}" if sys.stdout.isatty() else report.text(), flush=True)
    if options.json:
        report.write(options.json)
    sys.exit(bool(report.violations))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument(
        "--mailboxes", type=int, default=60, help="a dead worker's rest for a minute, so many are needed"
    )
    parser.add_argument("--seed", type=int, default=None, help="what is drawn; when it strikes is the machine's")
    parser.add_argument("--seconds", type=float, default=7200.0, help="after which kills that are left are left out")
    parser.add_argument("--json", type=Path, help="where the report goes too")
    parser.add_argument("--keep", type=Path, help="a directory for logs and data; else they go with the run")
    options = parser.parse_args()
    if options.kills < 0 or options.mailboxes < 1:
        parser.error("at least one mailbox, and no less than no kills")
    options.seed = int(time.time()) if options.seed is None else options.seed
    return options


if __name__ == "__main__":
    main()
