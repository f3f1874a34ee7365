"""The demo's IMAP server: Dovecot where it is installed, else pymap from a wheel; filled on first use."""

import base64
import imaplib
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from syncfarm.demo.mails import SampleMail
from syncfarm.dovecot import Dovecot
from syncfarm.embedded import ServiceFailed, child, ports

USER = "dana@demo.example"
START_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class SampleServer:
    """Where the mailbox is, without TLS, and how to end the server."""

    name: str
    port: int
    password: str
    stop: Callable[[], None]


def start(directory: Path, password: str) -> SampleServer:
    """Start a server for one mailbox, USER's. Raises ServiceFailed or DovecotFailed."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if Dovecot.installed():
        dovecot = Dovecot.start(directory, {USER: password})
        return SampleServer("Dovecot", dovecot.port, password, dovecot.stop)
    return _start_pymap(directory, password)


def _start_pymap(directory: Path, password: str) -> SampleServer:
    port = ports.choose(0)
    command = [str(Path(sys.executable).parent / "pymap"), "--host", "127.0.0.1", "--port", str(port), "--no-tls",
               "--no-service", "admin", "--no-service", "managesieve",
               "dict", "--demo-user", USER, "--demo-password", password]  # fmt: skip
    with (directory / "pymap.log").open("wb") as log:
        process = child.spawn(command, cwd=directory, output=log)
    deadline = time.monotonic() + START_SECONDS
    while ports.is_free(port):
        if process.poll() is not None or time.monotonic() > deadline:
            child.kill_group(process)
            raise ServiceFailed(f"The sample IMAP server does not start (see {directory / 'pymap.log'}).")
        time.sleep(0.05)
    return SampleServer("pymap", port, password, lambda: _stop(process))


def _stop(process: "subprocess.Popen[bytes]") -> None:
    child.kill_group(process)  # it keeps nothing


def fill(server: SampleServer, mails: Iterable[SampleMail]) -> None:
    """Put the mails into the mailbox unless it has some."""
    with imaplib.IMAP4("127.0.0.1", server.port, timeout=30) as client:
        client.login(USER, server.password)
        _, exists = client.select("INBOX", readonly=True)
        if exists[0] != b"0":
            return
        known = {"INBOX"}
        for mail in mails:
            wire = f'"{modified_utf7(mail.folder)}"'
            if mail.folder not in known:
                client.create(wire)  # may exist: servers make Sent and Junk by themselves
                known.add(mail.folder)
            date = imaplib.Time2Internaldate(mail.received_at)
            status, answer = client.append(wire, f"({' '.join(mail.flags)})", date, mail.raw)
            if status != "OK":
                raise ServiceFailed(f"The sample IMAP server refuses a mail: {answer[0]!r}")


def modified_utf7(name: str) -> str:
    """A folder name as IMAP writes it (RFC 3501 §5.1.3)."""

    def shift(match: re.Match[str]) -> str:
        encoded = base64.b64encode(match[0].encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
        return f"&{encoded}-"

    return re.sub(r"[^\x20-\x7e]+", shift, name.replace("&", "&-"))
