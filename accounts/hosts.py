"""What is known of a mail host: that it is down, or fails at what it offers. Its thousands of accounts share it."""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Q

from accounts.models import Host

PATIENCE = 3  # failures in a row, of whichever accounts, before the others wait
MENDING = timedelta(days=7)  # for a server to be mended before an extension that it fails at is tried again


def record(name: str) -> Host | None:
    """What speaks against a host; None: nothing."""
    with connection.cursor() as cursor:  # every sync asks, and mostly there is nothing: a model's query costs more
        cursor.execute(
            "SELECT name, failures, retry_at, failing, failing_until FROM accounts_host WHERE name = %s", [name.lower()]
        )
        row = cursor.fetchone()
    return Host(*row) if row else None


def waits_until(host: Host, now: datetime) -> datetime | None:
    """When the host is to be tried again; None: now."""
    waits = host.failures >= PATIENCE and host.retry_at is not None and host.retry_at > now
    return host.retry_at if waits else None


def answered(name: str) -> None:
    """A connection was made: forget those that failed."""
    hosts = Host.objects.filter(name=name.lower())
    hosts.filter(failing=[]).delete()
    hosts.update(failures=0, retry_at=None)


def did_not_answer(name: str) -> int:
    """Count a failure; returns how many there were in a row."""
    host, created = Host.objects.get_or_create(name=name.lower(), defaults={"failures": 1})
    if not created:
        Host.objects.filter(name=host.name).update(failures=F("failures") + 1)
        return host.failures + 1
    return 1


def try_again_at(name: str, when: datetime) -> None:
    """Let all accounts of the host wait until then."""
    Host.objects.filter(name=name.lower()).update(retry_at=when)


def failing(host: Host | None, now: datetime) -> frozenset[str]:
    """Extensions that the host was seen to fail at lately."""
    lately = host is not None and host.failing_until is not None and host.failing_until > now
    return frozenset(host.failing) if host is not None and lately else frozenset()


def note_failing(name: str, extensions: frozenset[str], now: datetime) -> None:
    """The host offers these extensions and fails at them."""
    with transaction.atomic():
        host, _created = Host.objects.select_for_update().get_or_create(name=name.lower())
        host.failing = sorted(failing(host, now) | extensions)
        host.failing_until = now + MENDING
        host.save(update_fields=["failing", "failing_until"])


def forget_unused(before: datetime) -> None:
    """Drop records that nobody has added to since: their accounts were removed, or go elsewhere."""
    waits, fails = Q(retry_at__gte=before), Q(failing_until__gte=before)
    Host.objects.exclude(waits | fails).exclude(retry_at=None, failing_until=None).delete()
