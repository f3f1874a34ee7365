"""One run of a target: starts the worker, shows how far it is, examines again what it found."""

import re
import subprocess
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from pathlib import Path

STATUS = re.compile(r"#(\d+)\s+(\S+)\s+(?:cov: (\d+) )?.*?(?:corp: (\d+)/\S+ )?(?:lim: \d+ )?exec/s: \d+ rss: (\d+)Mb")
PEAK = re.compile(r"stat::peak_rss_mb:\s+(\d+)")
SAVED = re.compile(r"Test unit written to (\S+)")
HANG = 20  # seconds after which libFuzzer ends the worker
PATIENCE = 60.0  # seconds for one input that is examined again
SHOWN = 10.0  # seconds between two progress lines where there is no terminal


@dataclass(slots=True)
class Run:
    """What a run did. `branches`: covered by seeds and corpus, and in the end."""

    seconds: float  # how long it is to last
    started: float = field(default_factory=time.monotonic)
    executions: int = 0
    branches: tuple[int, int] = (0, 0)
    corpus: int = 0
    megabytes: int = 0
    found: Counter[str] = field(default_factory=Counter)  # inputs kept, by fault
    failed: str = ""  # why no worker can go on
    _shown: float = 0.0

    def left(self) -> int:
        """Seconds."""
        return int(self.seconds - (time.monotonic() - self.started))

    def take(self, line: str, before: int) -> None:
        """Read a line of the worker's. `before`: executions of workers that ended."""
        if status := STATUS.match(line):
            count, kind, covered, corpus, megabytes = status.groups()
            self.executions = before + int(count)
            first, most = self.branches
            most = max(most, int(covered or 0))
            self.branches = (most if kind == "INITED" and not first else first, most)
            self.corpus = int(corpus or self.corpus)
            self.megabytes = max(self.megabytes, int(megabytes))
        elif peak := PEAK.match(line):
            self.megabytes = max(self.megabytes, int(peak[1]))
        elif line.startswith("FOUND "):
            self.found[line.split(" ", 2)[2].strip()] += 1
        self.show()

    def show(self) -> None:
        """The progress line, now and then."""
        terminal, now = sys.stderr.isatty(), time.monotonic()
        if now - self._shown >= (1 if terminal else SHOWN):
            self._shown = now
            print(self, end="\r" if terminal else "\n", file=sys.stderr, flush=True)

    def __str__(self) -> str:
        first, most = self.branches
        return (
            f"{time.monotonic() - self.started:,.0f} s, {self.executions:,} executions, {most:,} branches covered, "
            f"{most - first:,} of them new, peak {self.megabytes:,} MB, {self.found.total()} findings"
        )


def fuzz(name: str, directory: Path, seconds: float, options: list[str]) -> Run:
    """Fuzz for so many seconds. An input that hangs or kills the worker is kept, and another worker goes on."""
    run = Run(seconds)
    while run.left() > 0 and not run.failed and not _worker(name, directory, options, run):
        pass
    return run


def _worker(name: str, directory: Path, options: list[str], run: Run) -> bool:
    """One worker, until its end; True where it ended well."""
    command = [sys.executable, "-m", "bench.fuzz.worker", name, str(directory), f"-max_total_time={run.left()}"]
    command += [f"-timeout={HANG}", "-rss_limit_mb=0", "-print_final_stats=1"]
    command += [f"-artifact_prefix={directory}/findings/", *options]
    before, last, saved = run.executions, deque[str](maxlen=12), False
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, errors="replace") as worker:
        assert worker.stderr is not None
        try:
            for line in worker.stderr:
                last.append(line)
                saved = saved or bool(SAVED.search(line))
                run.take(line, before)
        except BaseException:  # or it would go on alone
            worker.kill()
            raise
    if worker.returncode and not saved:
        run.failed = "".join(last)
    return not worker.returncode


def replay(name: str, path: Path) -> str:
    """What examine() says of one input in a process of its own, whose code nothing slows down."""
    command = [sys.executable, "-m", "bench.fuzz", name, "--replay", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return f"{path}: hangs for more than {PATIENCE:.0f} s"
    return done.stdout.strip() or f"{path}: {done.stderr.strip()[-500:]}"
