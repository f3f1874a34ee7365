"""Mailboxes on a real Dovecot, one new user for each test.

A plugin for a conftest (`from tests.mailboxes import *`): the servers start when first asked for and end with the run.
"""

import itertools
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
from imapclient import IMAPClient

from mail.types import Login
from syncfarm.dovecot import BARE, CONDSTORE_ONLY, Dovecot

__all__ = [
    "STRATEGIES",
    "Mailbox",
    "MailboxFactory",
    "dovecots",
    "mailbox",
    "mailbox_factory",
    "object_id_login",
    "strategy",
]

STRATEGIES = ("qresync", "condstore", "full")
# Not by default: peers of the benchmark would compress on loopback, and take twice the CPU.
_COMPRESSES = "protocol imap {\n  mail_plugins = imap_zlib\n}\n"
_ADVERTISED = {"qresync": None, "condstore": CONDSTORE_ONLY, "full": BARE}
_PASSWORD = "correct horse"
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox of its own with an empty INBOX, reached without TLS; `server.tls_port` has TLS."""

    server: Dovecot
    user: str
    password: str = _PASSWORD
    host: str = "127.0.0.1"

    @property
    def port(self) -> int:
        """Where the server listens; changes when a test restarts it."""
        return self.server.port

    @property
    def login(self) -> Login:
        """How the product opens it."""
        return Login(self.host, self.port, "none", self.user, self.password, trusted=True)

    def client(self) -> IMAPClient:
        """Another client, logged in, to change the mailbox with. A context manager."""
        client = IMAPClient(self.host, port=self.port, ssl=False, timeout=30)
        client.login(self.user, self.password)
        return client


MailboxFactory = Callable[[str], Mailbox]


@pytest.fixture(scope="session")
def dovecots() -> Iterator[Callable[[str], Dovecot]]:
    """The server of a strategy: "qresync", "condstore" (no QRESYNC) or "full" (neither)."""
    running: dict[str, Dovecot] = {}
    with ExitStack() as servers:

        def server(strategy: str) -> Dovecot:
            if strategy not in running:
                directory = Path(tempfile.mkdtemp(prefix=f"syncfarm-{strategy}-"))
                servers.callback(shutil.rmtree, directory, ignore_errors=True)
                started = Dovecot.start(directory, {}, capability=_ADVERTISED[strategy], extra=_COMPRESSES)
                running[strategy] = servers.enter_context(started)
            return running[strategy]

        yield server


@pytest.fixture
def mailbox_factory(dovecots: Callable[[str], Dovecot]) -> MailboxFactory:
    """Makes a fresh mailbox on the server of the strategy asked for."""

    def make(strategy: str = "qresync") -> Mailbox:
        server = dovecots(strategy)
        user = f"user{next(_numbers)}@example.test"
        server.add_user(user, _PASSWORD)
        return Mailbox(server, user)

    return make


@pytest.fixture(params=STRATEGIES)
def strategy(request: pytest.FixtureRequest) -> str:
    """Each strategy in turn."""
    return str(request.param)


@pytest.fixture
def mailbox(mailbox_factory: MailboxFactory, strategy: str) -> Mailbox:
    """A fresh mailbox on the server of each strategy in turn."""
    return mailbox_factory(strategy)


@pytest.fixture(scope="module")
def object_id_login() -> Iterator[Login]:
    """A mailbox on pymap, a second real server: OBJECTID (RFC 8474) and LIST-STATUS but no CONDSTORE."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    pymap = Path(sys.executable).parent / "pymap"
    quiet = ["--no-tls", "--no-service", "admin", "--no-service", "managesieve"]
    process = subprocess.Popen([pymap, "--host", "127.0.0.1", "--port", str(port), *quiet, "dict", "--demo-data"])
    try:
        _wait_for(port)
        yield Login("127.0.0.1", port, "none", "demouser", "demopass", trusted=True)
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(OSError), IMAPClient("127.0.0.1", port=port, ssl=False):
            return
        time.sleep(0.05)
    pytest.fail("pymap does not answer")
