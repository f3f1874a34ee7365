"""Starts the farm in the foreground: embedded services, migrations, then the Procfile's processes.

`python -m syncfarm.farm`; Ctrl-C or SIGTERM stops all of it.
"""

import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from syncfarm import vardir
from syncfarm.embedded import ServiceFailed, child, ports
from syncfarm.embedded.postgres import Postgres
from syncfarm.embedded.valkey import Valkey
from syncfarm.env import BASE_DIR, Environment, WrongSetting, read
from syncfarm.supervisor import ProcessFailed, Supervisor

MARK = "SYNCFARM_FARM"  # in the environment of every process of a farm: the directory it belongs to
READY_SECONDS = 0.5

Service = Postgres | Valkey


def main() -> None:
    """Run until told to stop. What the operator must mend is one line and status 1."""
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGINT too: a shell's background jobs ignore it
        signal.signal(sign, _interrupt)
    try:
        run(read())
    except (WrongSetting, vardir.FarmRuns, vardir.Unwritable, ServiceFailed, ProcessFailed) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit(130)


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


def run(env: Environment) -> None:
    """The farm, from its lock to its end."""
    vardir.prepare(env.var)
    vardir.lock(env.var)
    child.end(lambda: child.marked(MARK, str(env.var)), signal.SIGTERM, 5.0)  # what a killed launcher left
    os.environ[MARK] = str(env.var)
    os.environ["PYTHONUNBUFFERED"] = "1"
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    with services(env) as embedded:
        local_url = choose_addresses(env)
        vardir.announce(env.var, farm := _running(env, local_url))
        try:
            login = prepare_database(env)
            supervisor = Supervisor(BASE_DIR / "Procfile", os.environ)
            supervisor.run(Watch(supervisor, embedded, farm, login).tick)
        finally:
            vardir.forget(env.var)


@contextmanager
def services(env: Environment) -> Iterator[list[Service]]:
    """The embedded services that the environment asks for, their addresses put into os.environ."""
    with ExitStack() as stack:
        started: list[Service] = []
        wanted: list[tuple[str, Service]] = []
        if not env.database_url:
            wanted.append(("DATABASE_URL", Postgres(env.var / "postgres")))
        if not env.redis_url:
            wanted.append(("REDIS_URL", Valkey(env.var / "valkey")))
        for name, service in wanted:
            _say(f"Starting the embedded {type(service).__name__} …")
            stack.callback(service.stop)
            os.environ[name] = service.start()
            started.append(service)
        yield started


def choose_addresses(env: Environment) -> str:
    """Put ports and keys into os.environ for the children; returns the farm's local address. Raises ServiceFailed."""
    if not env.secret_keys:
        os.environ["SYNCFARM_SECRET_KEYS"] = vardir.secret(env.var / "secret_keys", 32)
    port = _port("SYNCFARM_PORT", env.port, 8000, env.host)
    _port("SYNCFARM_FLOWER_PORT", env.flower_port, 5555, "127.0.0.1")
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(env.host, env.host)  # noqa: S104 -- compared, not bound
    return f"http://{host}:{port}"


def _port(name: str, wanted: int | None, default: int, host: str) -> int:
    """The port that was asked for, else the default, else any that is free."""
    if wanted and not (ports.is_free(wanted, host) and ports.claim(wanted)):
        raise ServiceFailed(f"{name}={wanted} is taken by another program: choose another, or leave it unset.")
    port = wanted or ports.choose(default)
    os.environ[name] = str(port)
    return port


def _running(env: Environment, local_url: str) -> vardir.Running:
    return vardir.Running(
        pid=os.getpid(),
        url=env.url or local_url,
        local_url=local_url,
        flower_url=f"http://127.0.0.1:{os.environ['SYNCFARM_FLOWER_PORT']}",
        database_url=os.environ["DATABASE_URL"],
        redis_url=os.environ["REDIS_URL"],
        trusted_hosts=list(env.trusted_hosts),
    )


def prepare_database(env: Environment) -> str:
    """Migrate and see to the administrator; returns how to log in, in words."""
    import django  # noqa: PLC0415 -- settings read the environment that was completed above
    from django.core.management import call_command  # noqa: PLC0415
    from django.db import connections  # noqa: PLC0415

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "syncfarm.settings")
    django.setup()
    _say("Bringing the database up to date …")
    call_command("migrate", verbosity=0)
    login = administrator(env.var / "admin_password")
    connections.close_all()
    return login


def administrator(path: Path) -> str:
    """Who may log in, and with what. Later starts tell the password to terminals alone: logs are kept and passed on."""
    from django.contrib.auth import get_user_model  # noqa: PLC0415 -- after django.setup()

    users = get_user_model().objects
    user = users.filter(username="admin").first()
    if user is None:
        password = vardir.secret(path)
        users.create_superuser("admin", password=password)
        return f"user admin, password {password}"
    password = vardir.kept(path)
    if not password or not user.check_password(password):
        return "user admin, with the password you set"
    return f"user admin, password {password if sys.stdout.isatty() else f'in {path}'}"


class Watch:
    """What the launcher looks at several times a second."""

    def __init__(self, supervisor: Supervisor, embedded: list[Service], farm: vardir.Running, login: str) -> None:
        self._supervisor = supervisor
        self._embedded = embedded
        self._farm = farm
        self._login = login
        self._answered = False

    def tick(self) -> None:
        """Restart services that died; tell once that the farm answers. Raises ServiceFailed."""
        for service in self._embedded:
            if not service.is_running():
                self._restart(service)
        if not self._answered and answers(self._farm.local_url):
            self._answered = True
            self._tell()

    def _restart(self, service: Service) -> None:
        name, address = type(service).__name__, service.url
        self._supervisor.say(f"{name} ended; starting it again")
        if service.start() != address:
            raise ServiceFailed(f"{name} ended, and its port was taken meanwhile: start the farm again.")

    def _tell(self) -> None:
        self._supervisor.say(f"Syncfarm answers at {self._farm.url}/")
        self._supervisor.say(f"Administration: {self._farm.url}/admin/ ({self._login})")
        self._supervisor.say(f"Tasks (Flower): {self._farm.flower_url}/")


def answers(local_url: str) -> bool:
    """Whether a farm's web process serves, its database and Redis included."""
    try:
        with urllib.request.urlopen(f"{local_url}/healthz", timeout=READY_SECONDS) as response:  # noqa: S310 -- ours
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 -- the launcher speaks to a terminal


if __name__ == "__main__":
    main()
