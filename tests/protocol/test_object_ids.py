"""A second real server, pymap, which has OBJECTID (RFC 8474) and LIST-STATUS but no CONDSTORE."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from imapclient import IMAPClient

from mail.imap.session import MailSession
from mail.types import Login

_MAIL = b"Subject: identity\r\n\r\nthe same everywhere\r\n"


@pytest.fixture(scope="module")
def login() -> Iterator[Login]:
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


def test_a_message_keeps_its_email_id_when_it_is_copied(login: Login) -> None:
    with IMAPClient(login.host, port=login.port, ssl=False) as client:
        client.login(login.username, login.password)
        client.append("INBOX", _MAIL)
        client.select_folder("INBOX")
        uid = max(client.search())
        client.create_folder("Kopien & Mehr")
        client.copy([uid], "Kopien & Mehr")
    with MailSession.open(login) as session:
        assert "OBJECTID" in session.capabilities
        assert session.strategy == "full"
        folders = {each.name: each for each in session.folders()}
        assert folders["Kopien & Mehr"].mailbox_id
        assert folders["Kopien & Mehr"].messages == 1
        session.select("INBOX")
        (original,) = session.bodies([uid])
        session.select(folders["Kopien & Mehr"].wire_name)
        (copy,) = session.bodies(session.uids(1))
        (entry,) = session.entries([copy.uid])
    assert original.raw == copy.raw == _MAIL
    assert original.email_id == copy.email_id == entry.email_id != ""
    assert copy.thread_id == entry.thread_id
