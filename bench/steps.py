"""What a worker of the benchmark does inside the product. Arguments and results are what JSON can carry."""

import multiprocessing
import os
import resource
import time
from uuid import UUID

from django.core.management import call_command
from django.db import connection
from django.db.models import Sum
from django.utils import timezone

from accounts import credentials, keys
from accounts.models import Account, AccountState, Application
from bench import bulk, library, samples, verification
from mail import lease
from mail.mirror import sync_account
from mail.models import Folder
from syncfarm.celery import app
from tasks.dispatch import dispatch

TICK = 1.0  # seconds between two of beat's
LOOK = 0.1  # seconds
PATIENCE = 120.0  # seconds without a message more


def prepare() -> None:
    """Bring the schema up."""
    call_command("migrate", verbosity=0)


def connect(port: str, password: str, *users: str) -> list[str]:
    """Connect mailboxes; returns the accounts' ids. They are not due."""
    application, _ = Application.objects.get_or_create(name="bench")
    settings = {"imap_host": "127.0.0.1", "imap_port": int(port), "imap_security": "none"}
    accounts = [
        Account(
            application=application,
            email=f"{user}@bench.example",
            settings={**settings, "imap_username": user},
            credentials=credentials.seal({"imap_password": password}),
        )
        for user in users
    ]
    return [str(account.id) for account in Account.objects.bulk_create(accounts)]


def initial(account: str) -> dict[str, float]:
    """Turns, as a worker makes them, until the mailbox is whole: seconds of wall clock and of this process's CPU."""
    cpu, wall, turns, more = _cpu(), time.perf_counter(), 0, True
    while more:
        more = _turn(account)
        turns += 1
    return {"wall": time.perf_counter() - wall, "cpu": _cpu() - cpu, "turns": turns}


def dispatched() -> float:
    """Make every account due and play beat until all are mirrored: seconds.

    Workers of the queue `sync` do the work. The clock ends at the first look that finds no account unfinished.
    """
    Account.objects.update(next_sync_at=timezone.now())
    started = moved = time.perf_counter()
    ticked, mirrored = 0.0, -1
    while Account.objects.exclude(state=AccountState.LIVE).exists():
        now = time.perf_counter()
        if now - ticked >= TICK:
            dispatch()
            ticked = now
            found = Folder.objects.aggregate(total=Sum("mirrored_count"))["total"] or 0
            moved, mirrored = (now, found) if found != mirrored else (moved, mirrored)
        if now - moved > PATIENCE:
            raise SystemExit(f"nothing moves any more: {_complaints()}")
        time.sleep(LOOK)
    return time.perf_counter() - started


def answering(count: str) -> None:
    """Wait until so many workers take tasks."""
    deadline = time.perf_counter() + PATIENCE
    while len(app.control.ping(timeout=1.0) or ()) < int(count):
        if time.perf_counter() > deadline:
            raise SystemExit("the workers do not answer")


def load(account: str, messages: str) -> None:
    """bench.bulk.load."""
    bulk.load(UUID(account), int(messages))


def fill(*pairs: str) -> str:
    """bench.library.fill of each "ACCOUNT/MESSAGES"; a key that opens them."""
    samples.prepare()
    for account, _, messages in (pair.partition("/") for pair in pairs):
        library.fill(UUID(account), int(messages))
    application = Application.objects.get(name="bench")
    return keys.create(application, "bench")[1]


def verify(port: str, sample: str, *pairs: str) -> list[int]:
    """bench.verification.verify of each "ACCOUNT/USER", one for each core at once."""
    split = (pair.partition("/") for pair in pairs)
    work = [(UUID(account), user, int(port), int(sample)) for account, _, user in split]
    with multiprocessing.Pool(min(len(work), os.cpu_count() or 1)) as pool:  # no connection is open that it would share
        return pool.starmap(verification.verify, work, chunksize=1)


def _turn(account: str) -> bool:
    """One turn of the product's own; whether older mail is still to be copied."""
    result = sync_account(UUID(account), lease.claim(UUID(account)))
    connection.close()  # as after every task
    if result.error:
        raise result.error
    if result.failing:
        raise SystemExit("the server refused a folder")
    return result.more


def _complaints() -> str:
    reasons = Account.objects.exclude(reason="").values_list("reason", flat=True).distinct()
    return " / ".join(reasons[:3]) or "no account says why"


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


STEPS = {step.__name__: step for step in (prepare, connect, initial, answering, dispatched, load, fill, verify)}
