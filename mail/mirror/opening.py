"""Opening a mailbox, with its host's record in mind: a host that is down is not asked for every account of it."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection
from django.utils import timezone

from accounts import hosts
from mail.imap.session import MailSession
from mail.sync.schedule import host_delay
from mail.types import ConnectionFailed, Login, MailError


class HostIsDown(ConnectionFailed):
    """The host did not answer others lately; it was not asked. `retry_in`: seconds until it is."""

    def __init__(self, host: str, retry_in: float) -> None:
        super().__init__(f"{host} has not answered lately; it is tried again in {max(1, round(retry_in))} seconds.")
        self.retry_in = retry_in


def check_host(login: Login) -> None:
    """Raises HostIsDown while the host's accounts are to wait."""
    now = timezone.now()
    until = hosts.waits_until(_name(login), now)
    if until:
        raise HostIsDown(login.host, (until - now).total_seconds())


@contextmanager
def opened(login: Login) -> Iterator[MailSession]:
    """A session; whether the host answered is noted. Raises MailError."""
    connection.close_if_unusable_or_obsolete()
    try:
        session = MailSession.open(login)
    except ConnectionFailed:
        failures = hosts.did_not_answer(_name(login))
        delay = host_delay(failures - hosts.PATIENCE, random.random())  # noqa: S311 -- jitter
        hosts.try_again_at(_name(login), timezone.now() + delay)
        raise
    except MailError:
        hosts.answered(_name(login))
        raise
    hosts.answered(_name(login))
    with session:
        yield session


def _name(login: Login) -> str:
    return f"{login.host}:{login.port}"  # one account's wrong port says nothing of the others'
