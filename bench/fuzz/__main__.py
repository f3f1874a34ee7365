"""`python -m bench.fuzz fetch|mime`: fuzz a target, report, keep what is found; exits with 1 if anything is."""

import argparse
import importlib.util
import os
import signal
import sys
import time
from pathlib import Path

from bench.fuzz import run, seeds
from bench.fuzz.catalogue import TARGETS
from bench.fuzz.targets import Target, examine

ROOT = Path(__file__).resolve().parents[2]
VAR = Path(os.environ.get("SYNCFARM_VAR") or ROOT / "var") / "fuzz"
NOTHING = "nothing wrong"


def main() -> int:
    """How many findings stand."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the worker is ended
    target = TARGETS[options.target]
    if options.replay:
        return sum([_replayed(target, path) for path in options.replay])
    if importlib.util.find_spec("atheris") is None:
        sys.exit("atheris is not installed: it has wheels for Linux on x86_64 alone. --replay needs none.")
    directory = VAR / target.name
    for folder in ("corpus", "findings"):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    print(f"{target.name}: {seeds.write(target, directory, real=not options.quick)}; in {directory}", flush=True)
    return _fuzz(target, directory, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.fuzz", description=__doc__)
    parser.add_argument("target", choices=list(TARGETS))
    parser.add_argument("--seconds", type=int, default=3_600)
    parser.add_argument("--runs", type=int, help="end after so many inputs")
    parser.add_argument("--seed", type=int, default=0, help="of chance; 0: another one each time")
    parser.add_argument("--quick", action="store_true", help="begin with the tests' seeds alone, no real mail")
    parser.add_argument("--replay", type=Path, nargs="+", metavar="FILE", help="examine inputs that were kept")
    return parser.parse_args()


def _fuzz(target: Target, directory: Path, options: argparse.Namespace) -> int:
    given = [f"-max_len={target.largest}", f"-seed={options.seed}"]
    given += [f"-runs={options.runs}"] if options.runs else []
    started = time.time()
    done = run.fuzz(target.name, directory, options.seconds, given)
    print(f"{done}\ncorpus: {done.corpus:,} inputs, each with something that no other covers")
    if done.failed:
        print(f"The worker failed:\n{done.failed}")
    if (directory / "slowest").exists():
        print(f"slowest: {run.replay(target.name, directory / 'slowest')}")
    kept = [path for path in sorted((directory / "findings").iterdir()) if path.stat().st_mtime >= started]
    standing = [verdict for verdict in (run.replay(target.name, path) for path in kept) if NOTHING not in verdict]
    print("".join(f"found: {verdict}\n" for verdict in standing), end="")
    print(f"{len(standing)} findings stand, of {len(kept)} kept")
    return len(standing) + bool(done.failed)


def _replayed(target: Target, path: Path) -> int:
    octets = path.read_bytes()
    verdict = examine(target, octets)
    said = "; ".join(verdict.faults) or NOTHING
    print(f"{path}: {said} ({len(octets):,} bytes, {verdict.seconds:.2f} s, {verdict.megabytes:.0f} MB more)")
    return bool(verdict.faults)


if __name__ == "__main__":
    sys.exit(min(main(), 1))
