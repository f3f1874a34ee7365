"""What tests of a mailbox through the whole farm share: a farm that trusts loopback, another client, the API."""

import json
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from imapclient import IMAPClient

from syncfarm.dovecot import Dovecot
from tests.acceptance.test_farm import Farm

__all__ = ["farm"]

USER, PASSWORD = "ann@example.test", "correct horse"


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    made = Farm(tmp_path_factory.mktemp("farm") / "var")
    made.env |= {"SYNCFARM_TRUSTED_HOSTS": "127.0.0.1", "SYNCFARM_PASSWORD": PASSWORD}
    made.start()
    yield made
    made.kill_everything()


def client(server: Dovecot) -> IMAPClient:
    imap = IMAPClient("127.0.0.1", port=server.port, ssl=False)
    imap.login(USER, PASSWORD)
    return imap


class Rest:
    """The API as an application calls it."""

    def __init__(self, farm: Farm) -> None:
        self.farm = farm
        self.key = farm.manage("apikey", "create", "acceptance").stdout.split()[-1]

    def connect(self, port: int) -> None:
        """The mailbox, by the command."""
        where = ["--imap-host", "127.0.0.1", "--imap-port", str(port), "--no-tls", "--application", "acceptance"]
        connected = self.farm.manage("connect", USER, *where)
        assert connected.returncode == 0, connected.stderr

    def get(self, path: str) -> Any:
        request = urllib.request.Request(
            f"{self.farm.facts['local_url']}/v3/{path}", headers={"Authorization": f"Bearer {self.key}"}
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    def put(self, path: str, **body: Any) -> Any:
        request = urllib.request.Request(
            f"{self.farm.facts['local_url']}/v3/{path}",
            json.dumps(body).encode(),
            {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
            method="PUT",
        )
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.load(response)

    def mirrored(self) -> int:
        return sum(folder["mirrored"] for folder in self.get(f"grants/{USER}/sync")["data"]["folders"])

    def state(self) -> str:
        return str(self.get(f"grants/{USER}")["data"]["state"])

    def subjects(self, count: int) -> set[str]:
        return {message["subject"] for message in self.get(f"grants/{USER}/messages?limit={count}")["data"]}
