"""Keeps one account's watch going, whatever happens, and says how it stands."""

import asyncio
import logging
import random
from uuid import UUID

from django.utils import timezone

from accounts.models import WatchMode
from mail.types import AuthenticationFailed, Login, MailError
from mail.watch.desk import Desk
from mail.watch.pacing import Gate, reconnect_delay
from mail.watch.session import CannotWatch, Session
from mail.watch.standing import Standing

log = logging.getLogger(__name__)

STEADY = 60.0  # seconds after which a lost connection is nothing that was to be feared
RETRIED = 24 * 3600.0  # seconds; servers are updated
INBOX_ALONE = "The server tells of the inbox alone; the other folders are looked at at intervals."


async def keep(account_id: UUID, login: Login, gate: Gate, desk: Desk) -> None:
    """Watch, again and again, until cancelled or the server refuses the login for good: then it is for the sync to tell
    the owner, and not asked again with the same credentials."""
    failures = 0
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        try:
            await _watch(account_id, login, gate, desk)
        except CannotWatch as error:
            delay = RETRIED
            reason = str(error)
        except MailError as error:
            steady = loop.time() - began > STEADY
            failures = 1 if steady else failures + 1
            delay = reconnect_delay(failures, random.random())  # noqa: S311 -- jitter
            reason = str(error)
            if isinstance(error, AuthenticationFailed) and error.permanent:
                delay = -1
        log.info("account %s is not watched: %s", account_id, reason)
        desk.stands(account_id, Standing(WatchMode.POLLING, reason))
        if delay < 0:
            return
        await asyncio.sleep(delay)


async def _watch(account_id: UUID, login: Login, gate: Gate, desk: Desk) -> None:
    """One connection, to its end."""
    async with gate.passing():
        session = await Session.opened(login)
    try:
        note = INBOX_ALONE if session.mode == WatchMode.IDLE else ""
        desk.stands(account_id, Standing(session.mode, note, timezone.now()))
        desk.missed(account_id)
        await session.listen(lambda: desk.hint(account_id))
    finally:
        session.close()
