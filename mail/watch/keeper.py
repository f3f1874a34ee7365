"""Keeps one account's watch going, whatever happens, and says how it stands."""

import asyncio
import logging
import random
from typing import NoReturn
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
        up_at: float | None = None
        try:
            async with gate.passing():
                session = await Session.opened(login)
            up_at = loop.time()
            await _listen(account_id, session, desk)
        except MailError as error:
            steady = up_at is not None and loop.time() - up_at > STEADY
            failures = 1 if steady else failures + 1
            log.info("account %s is not watched: %s", account_id, error)
            desk.stands(account_id, Standing(WatchMode.POLLING, str(error)))
            delay = delay_after(error, failures, random.random())  # noqa: S311 -- jitter
        if delay is None:
            return
        await asyncio.sleep(delay)


def delay_after(error: MailError, failures: int, chance: float) -> float | None:
    """Seconds until the next try, after so many failures in a row; None: never. 0 <= chance < 1."""
    if isinstance(error, AuthenticationFailed) and error.permanent:
        return None
    return RETRIED * (0.5 + chance) if isinstance(error, CannotWatch) else reconnect_delay(failures, chance)


async def _listen(account_id: UUID, session: Session, desk: Desk) -> NoReturn:
    """To the end of the session. Raises MailError."""
    try:
        note = INBOX_ALONE if session.mode == WatchMode.IDLE else ""
        desk.stands(account_id, Standing(session.mode, note, timezone.now()))
        desk.missed(account_id)
        await session.listen(lambda: desk.hint(account_id))
    finally:
        session.close()
