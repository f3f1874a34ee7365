"""Where the time of an initial sync goes: py-spy's samples, told by function and by step."""

import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

RATE = 200  # samples a second
ROWS = 25
_STEPS = re.compile(r"(?:^|/)((?:mail|accounts)/[\w/]+\.py)")
_LINE = re.compile(r":\d+\)$")


def recorder(output: Path, kind: str = "wall") -> tuple[str, ...]:
    """The command before the worker's that samples it to `output`, a stack a line. `kind`: "cpu" leaves out what waits,
    "wall" counts it, too."""
    py_spy = shutil.which("py-spy") or str(Path(sys.executable).parent / "py-spy")
    options = ("--format", "raw", "--rate", str(RATE), "--full-filenames", "--output", str(output))
    idle = ("--idle",) if kind == "wall" else ()
    return (py_spy, "record", *options, *idle, "--")


def table(folded: Path, kind: str = "wall") -> str:
    """Shares of the samples, as text: time within a function of the product and all it calls, and of its own."""
    total, inclusive, own = _counts(folded.read_text().splitlines(), kind)
    rows = [f"{total:,} samples at {RATE} a second in {folded.name}", "", "  with callees"]
    rows += [f"  {count / total:6.1%}  {name}" for name, count in inclusive.most_common(ROWS)]
    rows += ["", "  alone"]
    rows += [f"  {count / total:6.1%}  {name}" for name, count in own.most_common(ROWS)]
    return "\n".join(rows)


def _counts(lines: Iterable[str], kind: str) -> tuple[int, Counter[str], Counter[str]]:
    """All samples of the sync; by function of the product with its callees; by function alone, whoever's it is."""
    total, inclusive, own = 0, Counter[str](), Counter[str]()
    for line in lines:
        stack, _, count = line.rpartition(" ")
        frames = [_LINE.sub(")", frame) for frame in stack.split(";")]
        if not _counted(frames, kind):
            continue
        total += int(count)
        for frame in {named for frame in frames if (named := _product(frame))}:
            inclusive[frame] += int(count)
        own[_short(frames[-1])] += int(count)
    return max(total, 1), inclusive, own


def _counted(frames: list[str], kind: str) -> bool:
    """Whether a sample is of the sync. Of wall time only its main thread's, whose helpers run meanwhile; of CPU time
    every thread's, the process's start left out."""
    if kind == "wall":
        return any(frame.startswith("sync_account (") for frame in frames)
    return any(_product(frame) for frame in frames) and not any("_find_and_load" in frame for frame in frames)


def _product(frame: str) -> str:
    """ "parse (mail/mime/reading.py)", or "" for a frame of somebody else's."""
    found = _STEPS.search(frame)
    return f"{frame.partition(' (')[0]} ({found[1]})" if found and "site-packages" not in frame else ""


def _short(frame: str) -> str:
    """A frame without the directories above its package."""
    name, _, place = frame.partition(" (")
    return f"{name} ({'/'.join(place.rstrip(')').split('/')[-3:])})" if place else name
