"""The directory that a farm keeps between runs: who runs, where its services are, its secrets."""

import base64
import contextlib
import fcntl
import json
import os
import stat
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from syncfarm.env import Environment, WrongSetting, check_keys


class FarmRuns(Exception):
    """Another farm holds this directory; the text says which."""


class Unwritable(Exception):
    """The directory cannot be made or written; the text says why and the cure."""


@dataclass(frozen=True, slots=True)
class Running:
    """A farm that runs: its launcher's process id, where it answers, and what commands beside it need to know.

    Addresses of services hold passwords: never print them.
    """

    pid: int
    url: str  # for people; behind a proxy not this machine's
    local_url: str
    flower_url: str
    database_url: str
    redis_url: str
    trusted_hosts: list[str]


def prepare(var: Path) -> None:
    """Make the directory, for its owner alone. Raises Unwritable."""
    try:
        var.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = var / ".writable"
        probe.write_bytes(b"0" * 4096)
        probe.unlink()
    except OSError as error:
        raise Unwritable(
            f"{var} cannot be written ({error.strerror}): free some space or point SYNCFARM_VAR to another directory."
        ) from error
    _close(var)


def _close(var: Path) -> None:
    """Take a directory that existed before from others; not one that is everybody's, like /tmp."""
    found = var.stat()
    if found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX:
        with contextlib.suppress(OSError):  # file systems without modes
            var.chmod(0o700)


def lock(var: Path) -> int:
    """Take the directory for this process; returns the descriptor that holds it. Raises FarmRuns.

    The kernel lets go of the lock when the process dies in whatever way.
    """
    descriptor = os.open(var / "farm.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + 0.5  # a command that looks whether a farm runs holds it for an instant
    while not _flock(descriptor, fcntl.LOCK_EX):
        if time.monotonic() > deadline:
            other = running(var)
            who = f"process {other.pid}, {other.url}" if other else "it is just starting or stopping"
            raise FarmRuns(f"A farm already runs on {var} ({who}); stop it, or point SYNCFARM_VAR elsewhere.")
        time.sleep(0.05)
    return descriptor


def _flock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_locked(var: Path) -> bool:
    try:
        descriptor = os.open(var / "farm.lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return not _flock(descriptor, fcntl.LOCK_SH)
    finally:
        os.close(descriptor)


def keep(path: Path, text: str) -> None:
    """Write a file that its owner alone may read, whole or not at all."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def new_log(path: Path) -> BinaryIO:
    """An empty file to write a log into, which its owner alone may read."""
    path.unlink(missing_ok=True)  # it may have been made with another mode
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def secret(path: Path, size: int = 24) -> str:
    """The random text kept in a file, made on first use."""
    if not path.exists():
        keep(path, base64.urlsafe_b64encode(os.urandom(size)).decode() + "\n")
    return path.read_text().strip()


def kept(path: Path) -> str:
    """The text kept in a file, "" where there is none."""
    return path.read_text().strip() if path.exists() else ""


def announce(var: Path, farm: Running) -> None:
    """Tell commands of this directory where the farm's services are."""
    keep(var / "farm.json", json.dumps(asdict(farm), indent=1))


def forget(var: Path) -> None:
    """The farm has stopped."""
    (var / "farm.json").unlink(missing_ok=True)


def running(var: Path) -> Running | None:
    """The farm that runs on this directory, if one does."""
    if not _is_locked(var):
        return None
    try:
        return Running(**json.loads((var / "farm.json").read_text()))
    except (OSError, ValueError, TypeError):
        return None  # not yet written, or of another version


def secret_keys(env: Environment) -> list[str]:
    """SYNCFARM_SECRET_KEYS, else the keys that the launcher keeps. Stops the process where a database has neither.

    Without a database nothing is encrypted, and a key of the moment lets commands that need none run.
    """
    path = env.var / "secret_keys"
    if env.secret_keys:
        return list(env.secret_keys)
    if path.exists():
        return list(check_keys(tuple(path.read_text().strip().split(","))))
    if env.database_url:
        sys.exit(str(WrongSetting("SYNCFARM_SECRET_KEYS")))
    return [base64.urlsafe_b64encode(os.urandom(32)).decode()]
