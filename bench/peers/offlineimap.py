"""OfflineIMAP (offlineimap3): Python, a message a FETCH. Debian's package, which runs on the system's own Python."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from bench.mailbox import HOST, PASSWORD, Mailbox
from bench.peers import maildir
from bench.watching import Cost
from syncfarm.dovecot import Dovecot

NAME = "offlineimap"
PACKAGE = "offlineimap3"

# As shipped: it, too, fsyncs.
_CONFIGURATION = """\
[general]
accounts = bench
metadata = {directory}/metadata

[Account bench]
localrepository = copy
remoterepository = server

[Repository copy]
type = Maildir
localfolders = {directory}

[Repository server]
type = IMAP
remotehost = {host}
remoteport = {port}
remoteuser = {user}
remotepass = {password}
ssl = no
starttls = no
readonly = True
"""


def version() -> str:
    """ "8.0.0", "" where it is not installed."""
    if shutil.which("offlineimap") is None:
        return ""
    said = subprocess.run(["offlineimap", "--version"], capture_output=True, text=True, check=True).stdout
    return said.split()[0].rstrip(",")


def copy(server: Dovecot, mailbox: Mailbox, directory: Path, progress: Callable[[int], None]) -> Cost:
    """One copy into an empty directory. Raises RunFailed."""
    directory = maildir.empty(directory)
    configuration = directory / "offlineimaprc"
    configuration.write_text(
        _CONFIGURATION.format(host=HOST, port=server.port, user=mailbox.user, password=PASSWORD, directory=directory)
    )
    return maildir.copy(["offlineimap", "-o", "-u", "quiet", "-c", str(configuration)], mailbox, directory, progress)
