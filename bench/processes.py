"""What processes take of the machine."""

from pathlib import Path

import psutil  # type: ignore[import-untyped]  # it brings no types


def peak_memory(pid: int) -> int:
    """Peak resident bytes so far; 0 for a process that has ended.

    Not getrusage's: on Linux that of a child begins with its parent's. Elsewhere than on Linux the present bytes.
    """
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def family_cpu(pid: int) -> float:
    """CPU seconds of a process, its children, and those of its children that have ended."""
    main = psutil.Process(pid)
    own = main.cpu_times()
    living = [child.cpu_times() for child in main.children()]
    return float(own.children_user + own.children_system + sum(times.user + times.system for times in (own, *living)))


def total_memory() -> int:
    """Bytes of the machine."""
    return int(psutil.virtual_memory().total)


def own_cpu(pid: int) -> float:
    """CPU seconds of one process."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
