"""The farm as an operator meets it: `make run` with nothing but Python, beside other farms, and after a kill -9."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from syncfarm.embedded import child
from syncfarm.env import VARIABLES
from syncfarm.farm import MARK
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.timeout(240)


class Farm:
    """A farm of the tests' own, in a directory of its own."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.env = {name: value for name, value in os.environ.items() if name not in VARIABLES}
        self.env["SYNCFARM_VAR"] = str(var)
        self.launcher: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self.var.parent / "log").open("ab") as log:
            command = [sys.executable, "-m", "syncfarm.farm"]
            self.launcher = subprocess.Popen(command, cwd=ROOT, env=self.env, stdout=log, stderr=log)
        wait_until(lambda: self.answers("/healthz"), 120)

    @property
    def facts(self) -> dict[str, str]:
        return dict(json.loads((self.var / "farm.json").read_text()))

    def answers(self, path: str) -> bool:
        try:
            with urllib.request.urlopen(self.facts["local_url"] + path, timeout=5) as response:
                return bool(response.status == 200)
        except (OSError, ValueError):
            return False

    def manage(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "manage.py", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.env, capture_output=True, text=True, check=False)

    def another(self, **env: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "syncfarm.farm"]
        return subprocess.run(
            command, cwd=ROOT, env=self.env | env, capture_output=True, text=True, check=False, timeout=60
        )

    def processes(self) -> list[int]:
        """Every process of this farm but the launcher."""
        mine = set(child.marked(MARK, str(self.var))) | set(child.working_in(self.var / "postgres" / "data"))
        mine |= set(child.working_in(self.var / "valkey"))
        return [pid for pid in mine if self.launcher is None or pid != self.launcher.pid]

    def kill_everything(self) -> None:
        assert self.launcher is not None
        for pid in [self.launcher.pid, *self.processes()]:
            with contextlib.suppress(ProcessLookupError):  # it went with the one before
                os.kill(pid, signal.SIGKILL)
        self.launcher.wait()
        wait_until(lambda: not self.processes())


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    made = Farm(tmp_path_factory.mktemp("farm") / "var")
    made.start()
    yield made
    made.kill_everything()


def test_the_pages_answer(farm: Farm) -> None:
    assert all(farm.answers(path) for path in ("/", "/healthz", "/admin/login/", "/static/unfold/css/styles.css"))


def test_flower_sees_all_workers(farm: Farm) -> None:
    def workers() -> set[str]:
        try:
            with urllib.request.urlopen(farm.facts["flower_url"] + "/workers?json=1", timeout=5) as response:
                return {worker["hostname"].partition("@")[0] for worker in json.load(response)["data"]}
        except OSError:
            return set()  # not up yet

    wait_until(lambda: workers() == {"dispatch", "sync", "action", "outbound"})


def test_commands_find_the_running_farm(farm: Farm) -> None:
    made = farm.manage("apikey", "create", "found")
    assert made.returncode == 0, made.stderr


def test_what_is_secret_is_the_owners_alone(farm: Farm) -> None:
    secrets = ["farm.json", "secret_keys", "admin_password", "postgres/password", "valkey/valkey.conf"]
    assert {name: (farm.var / name).stat().st_mode & 0o077 for name in secrets} == dict.fromkeys(secrets, 0)


def test_a_second_farm_in_one_directory_is_told_who_runs(farm: Farm) -> None:
    second = farm.another()
    assert second.returncode == 1
    assert len(second.stderr.splitlines()) == 1
    assert farm.launcher is not None
    assert f"process {farm.launcher.pid}, {farm.facts['url']}" in second.stderr
    assert farm.answers("/healthz")


def test_a_port_that_was_asked_for_and_is_taken_stops_the_start(farm: Farm, tmp_path: Path) -> None:
    port = farm.facts["url"].rpartition(":")[2]
    services = {"DATABASE_URL": farm.facts["database_url"], "REDIS_URL": farm.facts["redis_url"]}
    other = farm.another(SYNCFARM_VAR=str(tmp_path), SYNCFARM_PORT=port, **services)
    assert other.returncode == 1
    assert other.stderr == f"SYNCFARM_PORT={port} is taken by another program: choose another, or leave it unset.\n"
    assert not (tmp_path / "postgres").exists()


def test_a_broker_that_dies_is_started_again(farm: Farm) -> None:
    before = child.working_in(farm.var / "valkey")
    os.kill(before[0], signal.SIGKILL)
    wait_until(lambda: set(child.working_in(farm.var / "valkey")) - set(before))
    wait_until(lambda: farm.answers("/healthz"))


def test_nothing_is_lost_when_everything_is_killed(farm: Farm) -> None:
    assert farm.manage("apikey", "create", "kept").returncode == 0
    count = "from accounts.models import ApiKey; print(ApiKey.objects.filter(name='kept').count())"
    farm.kill_everything()
    farm.start()
    assert farm.manage("shell", "-v", "0", "-c", count).stdout == "1\n"


def test_all_processes_go_with_a_launcher_that_is_killed(farm: Farm) -> None:
    assert farm.launcher is not None
    farm.launcher.kill()
    farm.launcher.wait()
    wait_until(lambda: not farm.processes())
    farm.start()


def test_a_stop_takes_seconds_and_leaves_nobody(farm: Farm) -> None:
    assert farm.launcher is not None
    started = time.monotonic()
    farm.launcher.terminate()
    assert farm.launcher.wait(timeout=30) == 0
    assert time.monotonic() - started < 20
    assert farm.processes() == []
    assert not (farm.var / "farm.json").exists()


def test_without_a_farm_commands_say_what_to_do(tmp_path: Path) -> None:
    farm = Farm(tmp_path / "var")
    told = farm.manage("migrate")
    assert (told.returncode, told.stderr) == (
        1,
        "There is no database: start the farm with `make run`, or set DATABASE_URL.\n",
    )
    assert farm.manage("check").returncode == 0
