"""The peer: mbsync copies the same mailbox to a Maildir."""

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from bench.mailbox import HOST, PASSWORD, Mailbox
from bench.watching import Cost, RunFailed, run
from syncfarm.dovecot import Dovecot

# As shipped: it fsyncs each mail, as PostgreSQL does each batch.
_CONFIGURATION = """\
IMAPStore server
Host {host}
Port {port}
User {user}
Pass {password}
SSLType None
AuthMechs LOGIN

MaildirStore copy
Path {directory}/
Inbox {directory}/INBOX

Channel bench
Far :server:
Near :copy:
Patterns INBOX
Create Near
Sync Pull
SyncState *
"""


def installed() -> bool:
    """Whether there is an mbsync on this machine."""
    return shutil.which("mbsync") is not None


def version() -> str:
    """As mbsync says it: "isync 1.4.4"."""
    return subprocess.run(["mbsync", "--version"], capture_output=True, text=True, check=True).stdout.strip()


def copy(server: Dovecot, mailbox: Mailbox, directory: Path, progress: Callable[[int], None]) -> Cost:
    """One copy into an empty directory, counted and removed. Raises RunFailed."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    configuration = directory / "mbsyncrc"
    configuration.write_text(
        _CONFIGURATION.format(
            host=HOST, port=server.port, user=mailbox.user, password=PASSWORD, directory=directory.resolve()
        )
    )
    command = ["mbsync", "-q", "-c", str(configuration), "bench"]
    cost = run(command, dict(os.environ), directory / "log", lambda: progress(_copied(directory)))
    if (copied := _copied(directory)) != mailbox.messages:
        raise RunFailed(f"mbsync copied {copied:,} of {mailbox.messages:,} messages")
    shutil.rmtree(directory)
    return cost


def _copied(directory: Path) -> int:
    places = (directory / "INBOX" / name for name in ("new", "cur"))
    return sum(len(os.listdir(place)) for place in places if place.is_dir())  # noqa: PTH208 -- 3 ms for 20,000, not 30
