"""A web process of its own, as a farm has it, on the tests' database."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from django.db import connection

from syncfarm.embedded import ports
from syncfarm.env import BASE_DIR


@dataclass(frozen=True, slots=True)
class Web:
    """The API's process, and who asks it."""

    pid: int
    port: int
    key: str

    @property
    def url(self) -> str:
        """Of its API."""
        return f"http://127.0.0.1:{self.port}"

    def ask(self, path: str, method: str = "GET", **headers: str) -> http.client.HTTPResponse:
        """An answer of which the head is read."""
        asked = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        asked.request(method, path, headers={"Authorization": f"Bearer {self.key}", **headers})
        return asked.getresponse()


@contextmanager
def serving(key: str, name: str, settings: str = "syncfarm.settings", **environment: str) -> Iterator[Web]:
    """The process, as long as it is needed. `name`: what its database connections are called."""
    database, port = connection.settings_dict, ports.choose(0)
    address = f"{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT']}/{database['NAME']}"
    command = [sys.executable, "-m", "uvicorn", "syncfarm.asgi:application", "--port", str(port), "--lifespan", "off"]
    told = {"DATABASE_URL": f"postgresql://{address}?application_name={name}", "DJANGO_SETTINGS_MODULE": settings}
    process = subprocess.Popen(
        [*command, "--log-level", "error", "--timeout-graceful-shutdown", "3"],
        cwd=BASE_DIR,
        env=os.environ | told | environment,
    )
    try:
        _wait_for(port)
        yield Web(process.pid, port, key)
    finally:
        process.terminate()
        process.wait(timeout=20)


def connections(name: str) -> int:
    """How many to the database are open that are called so."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [name])
        return int(cursor.fetchone()[0])


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the server does not listen")
