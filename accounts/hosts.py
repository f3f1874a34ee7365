"""Backoff per mail host: when one is down, its thousands of accounts do not each find out by themselves."""

from datetime import datetime

from django.db.models import F

from accounts.models import Host

PATIENCE = 3  # failures in a row, of whichever accounts, before the others wait


def record(name: str) -> Host | None:
    """What is known of a host that did not answer when it was last asked; None: nothing speaks against it."""
    return Host.objects.filter(name=name.lower()).first()


def waits_until(host: Host, now: datetime) -> datetime | None:
    """When the host is to be tried again; None: now."""
    waits = host.failures >= PATIENCE and host.retry_at is not None and host.retry_at > now
    return host.retry_at if waits else None


def answered(name: str) -> None:
    """A connection was made: forget what failed."""
    Host.objects.filter(name=name.lower()).delete()


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


def forget_unused(before: datetime) -> None:
    """Drop records that nobody has added to since: their accounts were removed, or go elsewhere."""
    Host.objects.filter(retry_at__lt=before).delete()
