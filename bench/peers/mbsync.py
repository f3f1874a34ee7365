"""mbsync (isync): C, one connection, commands pipelined."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from bench.mailbox import HOST, PASSWORD, Mailbox
from bench.peers import maildir
from bench.watching import Cost
from syncfarm.dovecot import Dovecot

NAME = "mbsync"
PACKAGE = "isync"

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


def version() -> str:
    """ "1.4.4", "" where it is not installed."""
    if shutil.which("mbsync") is None:
        return ""
    said = subprocess.run(["mbsync", "--version"], capture_output=True, text=True, check=True).stdout
    return said.strip().removeprefix("isync ")


def copy(server: Dovecot, mailbox: Mailbox, directory: Path, progress: Callable[[int], None]) -> Cost:
    """One copy into an empty directory. Raises RunFailed."""
    directory = maildir.empty(directory)
    configuration = directory / "mbsyncrc"
    configuration.write_text(
        _CONFIGURATION.format(host=HOST, port=server.port, user=mailbox.user, password=PASSWORD, directory=directory)
    )
    return maildir.copy(["mbsync", "-q", "-c", str(configuration), "bench"], mailbox, directory, progress)
