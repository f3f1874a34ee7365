"""A worker that is there again a moment after it was killed: `celery`, forked from a process that has imported all.

    python -m bench.kills.nursery -q -A syncfarm worker …

Importing takes two seconds of a core, which a thousand kills would spend on nothing else. The worker leads a process
group of its own; once it takes tasks its pid is in SYNCFARM_VAR/nursery, under the queue's name.
"""

import os
import signal
import sys
from pathlib import Path

from celery import maybe_patch_concurrency


def main() -> None:
    """Have one worker at any time. Never returns."""
    maybe_patch_concurrency(sys.argv)
    _import_all()
    from syncfarm.embedded.child import bound_to  # noqa: PLC0415 -- after the patches

    place = pid_file(Path(os.environ["SYNCFARM_VAR"]), sys.argv[sys.argv.index("-Q") + 1])
    place.parent.mkdir(exist_ok=True)
    place.write_text("0")
    while True:
        parent = os.getpid()
        pid = os.fork()
        if pid == 0:
            os.setpgid(0, 0)
            bound_to(parent, signal.SIGKILL)
            _work(place)
        os.waitpid(pid, 0)


def pid_file(var: Path, queue: str) -> Path:
    """Where the pid of a queue's worker is."""
    return var / "nursery" / queue


def _import_all() -> None:
    """What a worker imports until it takes its first task."""
    import kombu.transport.redis  # noqa: F401, PLC0415

    from syncfarm.celery import app  # noqa: PLC0415

    app.loader.import_default_modules()


def _work(place: Path) -> None:
    from celery.bin.celery import main as worker  # noqa: PLC0415
    from celery.signals import worker_ready  # noqa: PLC0415

    def tell(**_signal: object) -> None:
        place.write_text(str(os.getpid()))

    worker_ready.connect(tell)
    sys.argv[0] = "celery"
    try:
        worker()
    finally:
        os._exit(1)


if __name__ == "__main__":
    main()
