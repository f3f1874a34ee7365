"""Beat outlives a database that is away when it starts."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncfarm.embedded import ports
from syncfarm.embedded.postgres import THROW_AWAY, Postgres
from syncfarm.env import BASE_DIR

BEAT = [sys.executable, "-m", "celery", "-A", "syncfarm", "beat", "--pidfile="]


@pytest.fixture
def postgres(tmp_path: Path) -> Iterator[Postgres]:
    server = Postgres(tmp_path / "postgres", port=0, settings=THROW_AWAY)
    server.start()
    yield server
    server.stop()


def test_beat_waits_for_a_database_that_is_away_and_goes_on_when_it_is_back(postgres: Postgres) -> None:
    url = postgres.url
    postgres.stop()
    environment = {**os.environ, "DATABASE_URL": url, "REDIS_URL": f"redis://127.0.0.1:{ports.choose(0)}/0"}
    beat = subprocess.Popen(
        BEAT, cwd=BASE_DIR, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert beat.stdout is not None
    watchdog = threading.Timer(120, beat.kill)
    watchdog.start()
    try:
        assert any("beat waits for the database" in line for line in beat.stdout)
        postgres.start()
        # It has no schema: that beat finds out is the proof that it went on.
        assert any("does not exist" in line for line in beat.stdout)
    finally:
        watchdog.cancel()
        beat.send_signal(signal.SIGKILL)
        beat.wait()
        beat.stdout.close()
