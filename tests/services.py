"""Servers that the tests talk to: all real, started once per run, gone with it.

A plugin (-p tests.services), not a conftest: the environment must be set before pytest-django reads the settings. xdist's
workers inherit it, so that a run has one PostgreSQL and one Valkey.
"""

import fcntl
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

from syncfarm.embedded import child
from syncfarm.embedded.postgres import THROW_AWAY, Postgres
from syncfarm.embedded.valkey import Valkey

PREFIX = "syncfarm-test-"
started: list[Postgres | Valkey] = []
directories: list[Path] = []


def claim(directory: Path) -> bool:
    """Hold a run's directory as long as this process lives; False when another does."""
    try:
        descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
    except OSError:
        return False  # another user's, or gone
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return False
    return True


def remove_leftovers() -> None:
    """Directories of runs that were killed; their servers died with them (syncfarm.embedded.child)."""
    for directory in Path(tempfile.gettempdir()).glob(PREFIX + "*"):
        if (directory / "lock").exists() and claim(directory):
            child.end(lambda d=directory: child.working_in(d / "postgres" / "data"), signal.SIGQUIT, 5)  # type: ignore[misc] # mypy cannot infer a lambda's default
            shutil.rmtree(directory, ignore_errors=True)


def start() -> None:
    """Start what the environment does not name."""
    remove_leftovers()
    directory = Path(tempfile.mkdtemp(prefix=PREFIX))
    claim(directory)
    directories.append(directory)
    os.environ["SYNCFARM_VAR"] = str(directory / "var")
    if "DATABASE_URL" not in os.environ:
        started.append(postgres := Postgres(directory / "postgres", port=0, settings=THROW_AWAY))
        os.environ["DATABASE_URL"] = postgres.start()
    if "REDIS_URL" not in os.environ:
        started.append(valkey := Valkey(directory / "valkey", port=0))
        os.environ["REDIS_URL"] = valkey.start()
    os.environ.setdefault("SYNCFARM_SECRET_KEYS", "dGVzdHMgb25seSwgbm90IGEgc2VjcmV0IGtleSAhISE=")


if "PYTEST_XDIST_WORKER" not in os.environ:
    start()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure() -> None:
    """Stop what this process started: the controller alone has any."""
    for service in started:
        service.stop()
    for directory in directories:
        shutil.rmtree(directory, ignore_errors=True)
