"""Opening a mailbox, with its host's record in mind: a host that is down is not asked for every account of it."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection
from django.utils import timezone

from accounts import hosts
from accounts.models import Host
from mail.imap.session import MailSession
from mail.lease import Lease
from mail.sync.schedule import host_delay
from mail.types import ConnectionFailed, Login, MailError

_SECONDS = 10.0  # for any one piece of an answer to a further session, which can be done without
LOST = "the account was taken away: paused, removed, or synced by another worker"


class HostIsDown(ConnectionFailed):
    """The host did not answer others lately; it was not asked. `retry_in`: seconds until it is."""

    def __init__(self, host: str, retry_in: float) -> None:
        super().__init__(f"{host} has not answered lately; it is tried again in {max(1, round(retry_in))} seconds.")
        self.retry_in = retry_in


def record_of(login: Login, *, insist: bool) -> Host | None:
    """What speaks against the host, if anything. Raises HostIsDown while its accounts wait, unless we `insist`."""
    record = hosts.record(_name(login))
    now = timezone.now()
    until = hosts.waits_until(record, now) if record and not insist else None
    if until:
        raise HostIsDown(login.host, (until - now).total_seconds())
    return record


@contextmanager
def opened(login: Login, record: Host | None, lease: Lease) -> Iterator[MailSession]:
    """A session, cut once the lease is lost; whether the host answered is noted. Raises MailError."""
    connection.close_if_unusable_or_obsolete()
    try:
        session = MailSession.open(
            login,
            begun=lambda cut: lease.when_lost(lambda: cut(LOST)),
            without=hosts.failing(record, timezone.now()),
        )
    except ConnectionFailed:
        if not lease.lost:
            _note_silence(login)
        raise
    except MailError:
        _note_answer(login, record)
        raise
    try:
        _note_answer(login, record)
        yield session
    finally:
        if session.failed:
            hosts.note_failing(_name(login), session.failed, timezone.now())
        share_connection()
        session.close()


def further(login: Login, record: Host | None, lease: Lease) -> MailSession:
    """One session more, cut as the first is. If it cannot be had nothing is noted: it is no fault. Raises MailError."""
    share_connection()
    return MailSession.open(
        login,
        timeout=_SECONDS,
        begun=lambda cut: lease.when_lost(lambda: cut(LOST)),
        without=hosts.failing(record, timezone.now()),
    )


def share_connection() -> None:
    """Give the database connection back while a server is waited for: a hundred accounts of a process share a few."""
    if settings.SYNCFARM_DATABASE_CONNECTIONS:
        connection.close()


def _note_silence(login: Login) -> None:
    failures = hosts.did_not_answer(_name(login))
    delay = host_delay(failures - hosts.PATIENCE, random.random())  # noqa: S311 -- jitter
    hosts.try_again_at(_name(login), timezone.now() + delay)


def _note_answer(login: Login, record: Host | None) -> None:
    if record is not None and record.failures:
        hosts.answered(_name(login))


def _name(login: Login) -> str:
    return f"{login.host}:{login.port}"  # one account's wrong port says nothing of the others'
