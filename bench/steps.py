"""What a worker of the benchmark does inside the product. Arguments and results are what JSON can carry."""

import resource
import time
from uuid import UUID

from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from accounts import credentials
from accounts.models import Account, Application
from bench import verification
from mail import lease
from mail.mirror import sync_account


def prepare(email: str, port: str, password: str) -> str:
    """Bring the schema up and connect a mailbox; returns the account's id."""
    call_command("migrate", verbosity=0)
    application, _ = Application.objects.get_or_create(name="bench")
    account = Account.objects.create(
        application=application,
        email=f"{email}@bench.example",
        settings={
            "imap_host": "127.0.0.1",
            "imap_port": int(port),
            "imap_security": "none",
            "imap_username": email,
        },
        credentials=credentials.seal({"imap_password": password}),
        next_sync_at=timezone.now(),
    )
    return str(account.id)


def initial(account: str) -> dict[str, float]:
    """Turns, as a worker makes them, until the mailbox is whole: seconds of wall clock and of this process's CPU."""
    cpu, wall, turns, more = _cpu(), time.perf_counter(), 0, True
    while more:
        more = _turn(account)
        turns += 1
    return {"wall": time.perf_counter() - wall, "cpu": _cpu() - cpu, "turns": turns}


def quiet(account: str, turns: str, relay_port: str) -> list[float]:
    """Turns of a mailbox in which nothing changed: seconds of each, then one more through the relay."""
    _turn(account)  # the first one after the copy is an ordinary sync's first
    walls = []
    for _ in range(int(turns)):
        started = time.perf_counter()
        _turn(account)
        walls.append(time.perf_counter() - started)
    row = Account.objects.get(id=account)
    Account.objects.filter(id=account).update(settings={**row.settings, "imap_port": int(relay_port)})
    _turn(account)
    Account.objects.filter(id=account).update(settings=row.settings)
    return walls


def verify(account: str, user: str, sample: str) -> int:
    """bench.verification.verify."""
    port = int(Account.objects.get(id=account).settings["imap_port"])
    return verification.verify(UUID(account), user, port, int(sample))


def _turn(account: str) -> bool:
    """One turn of the product's own; whether older mail is still to be copied."""
    result = sync_account(UUID(account), lease.claim(UUID(account)))
    connection.close()  # as after every task
    if result.error:
        raise result.error
    if result.failing:
        raise SystemExit("the server refused a folder")
    return result.more


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


STEPS = {step.__name__: step for step in (prepare, initial, quiet, verify)}
