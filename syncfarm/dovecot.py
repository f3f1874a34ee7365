"""Runs a Dovecot of our own: the IMAP server of the tests, the demo and the benchmarks.

Rootless, on free ports of 127.0.0.1, everything under one directory. Needs Debian's dovecot-imapd or its like.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from syncfarm.certificates import write_self_signed
from syncfarm.dovecot_configuration import configuration
from syncfarm.embedded import ports

# What to advertise so that a client uses less than the server can do. Hiding does not stop Dovecot from accepting.
CONDSTORE_ONLY = "IMAP4rev1 LITERAL+ ID ENABLE IDLE NAMESPACE UIDPLUS SPECIAL-USE ESEARCH MOVE CONDSTORE"
BARE = "IMAP4rev1 UIDPLUS"

_SECONDS_TO_START = 15.0


class DovecotFailed(Exception):
    """Dovecot is missing or did not start; the message says why."""


class Dovecot:
    """A running server. Leaving the context stops it; its directory stays."""

    def __init__(
        self, directory: Path, sockets: Path, process: "subprocess.Popen[bytes]", listening: tuple[int, int]
    ) -> None:
        self.directory = directory
        self.port, self.tls_port = listening
        self.certificate = directory / "cert.pem"
        self._sockets = sockets
        self._process = process

    @staticmethod
    def installed() -> bool:
        """Whether there is a Dovecot on this machine."""
        return bool(_binary("dovecot"))

    @classmethod
    def start(
        cls,
        directory: Path,
        users: Mapping[str, str],
        *,
        capability: str | None = None,
        mail_location: str = "sdbox:~/sdbox",
        extra: str = "",
    ) -> Self:
        """Start a server under `directory` for `users` (name -> password) and wait until it answers.

        `capability` replaces what the server advertises (CONDSTORE_ONLY, BARE); `extra` is appended to its
        configuration. Raises DovecotFailed.
        """
        directory = directory.resolve()
        if not cls.installed():
            raise DovecotFailed("Dovecot is not installed. On Debian and Ubuntu: apt-get install dovecot-imapd")
        for name in ("state", "mail", "users"):
            (directory / name).mkdir(parents=True, exist_ok=True)
        if not (directory / "cert.pem").exists():
            write_self_signed(directory / "cert.pem", directory / "key.pem", ["localhost", "127.0.0.1"])
        for name, password in users.items():
            _write_user(directory, name, password)
        sockets = _sockets(directory)
        advertised = f"imap_capability = {capability}\n" if capability else ""
        for _ in range(5):  # a free port may be taken before Dovecot binds it
            listening = ports.choose(0), ports.choose(0)
            settings = configuration(directory, sockets, mail_location, listening) + advertised + extra
            (directory / "conf").write_text(settings)
            process = _launch(directory)
            if _answers(process, listening[0]):
                return cls(directory, sockets, process, listening)
        shutil.rmtree(sockets, ignore_errors=True)
        raise DovecotFailed(f"Dovecot did not start: {_last_words(directory)}")

    def restart(self) -> None:
        """Start it again after stop() or kill(), on the same ports and with the same mail. Raises DovecotFailed."""
        self._sockets.mkdir(exist_ok=True)
        self._process = _launch(self.directory)
        if not _answers(self._process, self.port):
            raise DovecotFailed(f"Dovecot did not start again: {_last_words(self.directory)}")

    def add_user(self, name: str, password: str) -> None:
        """Let one more user in, at once."""
        _write_user(self.directory, name, password)

    def admin(self, *arguments: str) -> str:
        """Run doveadm with these arguments and return what it prints."""
        command = [*_unprivileged(), _binary("doveadm"), "-c", str(self.directory / "conf"), *arguments]
        done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 -- the caller's words
        return done.stdout

    def reset_uidvalidity(self, user: str, folder: str, uidvalidity: int | None = None) -> None:
        """Give a folder another UIDVALIDITY (the next one, unless told) and keep its mails and their UIDs."""
        if uidvalidity is None:
            status = self.admin("-f", "flow", "mailbox", "status", "-u", user, "uidvalidity", folder)
            uidvalidity = int(status.rpartition("uidvalidity=")[2]) + 1
        self.admin("mailbox", "update", "-u", user, "--uid-validity", str(uidvalidity), folder)

    def stop(self) -> None:
        """Stop the server and wait until it is gone."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait(timeout=30)
        shutil.rmtree(self._sockets, ignore_errors=True)

    def kill(self) -> None:
        """Make the server vanish without a farewell, as a crash would."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(timeout=30)
        shutil.rmtree(self._sockets, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _binary(name: str) -> str:
    """The path of a program of Dovecot's, "" where it is not installed."""
    path = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin"
    return shutil.which(name, path=path) or ""


def _launch(directory: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 -- our own words only
        [*_unprivileged(), _binary("dovecot"), "-F", "-c", directory / "conf"],
        start_new_session=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _unprivileged() -> list[str]:
    """Dovecot keeps no mail of uid 0. In a namespace of its own root is `nobody`, and may still use any directory."""
    if os.geteuid():
        return []
    return ["unshare", "-U", "--map-user=65534", "--map-group=65534"]


def _sockets(directory: Path) -> Path:
    """Where Dovecot talks to itself. A Unix socket's path has 107 octets at most (unix(7)), of which it needs 40."""
    if len(os.fsencode(directory)) > 60:
        return Path(tempfile.mkdtemp(prefix="dovecot-"))
    (directory / "run").mkdir(exist_ok=True)
    return directory / "run"


def _write_user(directory: Path, name: str, password: str) -> None:
    """A file each, for Dovecot looks only once a second whether a file it has read is still the same."""
    (directory / "users" / name).write_text(f"{name}:{{PLAIN}}{password}::::::\n")


def _answers(process: "subprocess.Popen[bytes]", port: int) -> bool:
    """Whether the server greets before it exits or the time is up."""
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                if connection.recv(64).startswith(b"* OK"):
                    return True
        except OSError:
            time.sleep(0.02)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return False


def _last_words(directory: Path) -> str:
    log = directory / "log"
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return " ".join(lines[-3:]) or "it said nothing"
