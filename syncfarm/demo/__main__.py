"""The demo: a farm, a sample mailbox mirrored before your eyes, and what to try next.

`python -m syncfarm.demo [--once]`. With --once it ends with status 0 when the mirror is complete and verified.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Never

from syncfarm import vardir
from syncfarm.demo import server as sample_server
from syncfarm.demo.mails import sample
from syncfarm.dovecot import DovecotFailed
from syncfarm.embedded import ServiceFailed, child
from syncfarm.env import BASE_DIR, Environment, WrongSetting, read
from syncfarm.farm import MARK, answers

START_SECONDS = 180.0
STOP_SECONDS = 40.0


class DemoFailed(Exception):
    """The demo cannot go on; the text says why."""


def main() -> None:
    """Run the demo until Ctrl-C, or with --once until the mirror was verified."""
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGINT too: a shell's background jobs ignore it
        signal.signal(sign, _interrupt)
    try:
        run(read(), once="--once" in sys.argv[1:])
    except KeyboardInterrupt:
        say("Stopped.")
    except (DemoFailed, WrongSetting, ServiceFailed, DovecotFailed, vardir.Unwritable) as error:
        sys.exit(f"The demo failed: {error}")


def _interrupt(_number: int, _frame: object) -> Never:
    raise KeyboardInterrupt


def run(env: Environment, *, once: bool) -> None:
    """The demo from start to end; nothing of it is left running afterwards."""
    vardir.prepare(env.var)
    os.environ["SYNCFARM_TRUSTED_HOSTS"] = ",".join({*env.trusted_hosts, "127.0.0.1"})
    with ExitStack() as stack:
        farm = _start_farm(env)
        stack.callback(child.stop, farm, signal.SIGTERM, STOP_SECONDS)
        running = _wait_for_farm(env, farm)
        os.environ[MARK] = str(env.var)  # should this process be killed, the next farm ends the mail server
        server = sample_server.start(env.var / "demo-mail", vardir.secret(env.var / "demo_password"))
        stack.callback(server.stop)
        sample_server.fill(server, mails := sample(datetime.now(UTC)))
        say(f"{len(mails)} sample mails wait on a local IMAP server ({server.name}, port {server.port}).")
        _mirror(env, running, server, len(mails))
        if not once:
            say("\nCtrl-C stops everything.")
            _stay(env, farm)


def _mirror(env: Environment, running: vardir.Running, server: sample_server.SampleServer, expected: int) -> None:
    import django  # noqa: PLC0415 -- settings find the database through the farm that runs by now

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "syncfarm.settings")
    django.setup()
    from syncfarm.demo import mailbox  # noqa: PLC0415 -- it needs loaded models

    account = mailbox.connect(server)
    problem = mailbox.watch(account, expected) or mailbox.verify(account)
    if problem:
        raise DemoFailed(f"{problem} (the farm's log: {_log(env)})")
    say(f"Mirrored and verified: all {expected} mails are in PostgreSQL, byte for byte.\n")
    say(mailbox.what_to_try(account, running, vardir.kept(env.var / "admin_password")))


def _log(env: Environment) -> Path:
    return env.var / "farm.log"


def _start_farm(env: Environment) -> "subprocess.Popen[bytes]":
    say(f"Starting the farm (its log: {_log(env)}) …")
    with vardir.new_log(_log(env)) as log:
        return child.spawn([sys.executable, "-m", "syncfarm.farm"], cwd=BASE_DIR, env=os.environ, output=log)


def _wait_for_farm(env: Environment, farm: "subprocess.Popen[bytes]") -> vardir.Running:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if farm.poll() is not None:
            raise DemoFailed(_last_line(_log(env)))
        running = vardir.running(env.var)
        if running is not None and running.pid == farm.pid and answers(running.local_url):
            return running
        time.sleep(0.2)
    raise DemoFailed(f"the farm does not answer: {_last_line(_log(env))}")


def _stay(env: Environment, farm: "subprocess.Popen[bytes]") -> None:
    farm.wait()
    raise DemoFailed(_last_line(_log(env)))


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").split("\n")
    return next((line for line in reversed(lines) if line.strip()), "it said nothing")


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)  # noqa: T201 -- a program for a terminal


if __name__ == "__main__":
    main()
