"""Further sessions of an account, for a long copying where the server or the link is what is waited for."""

import logging
from collections.abc import Callable

from mail.imap.session import MailSession
from mail.types import ConnectionFailed, LocalFolder, MailError

log = logging.getLogger(__name__)

MOST = 3  # sessions of one account, however many its provider allows: its owner's programs need some
LONG = 2_000  # messages left, for which it is worth a login
PATIENCE = 2.0  # seconds of copying after which it is known what is waited for
SHARE = 0.5  # of them spent waiting for the server; and no more than that on the process's own work


class Company:
    """Up to so many sessions besides the first. Where one cannot be had, there are fewer, and nothing else follows."""

    def __init__(self, most: int, opened: Callable[[], MailSession]) -> None:
        self._room = most
        self._opened = opened
        self._sessions: list[MailSession] = []

    def is_worth(self, left: int, seconds: float, waited: float, busy: float) -> bool:
        """Whether so many messages should be shared out: after so many seconds of copying, how many of them the server
        was waited for, and CPU that this process spent."""
        if not (self._room or self._sessions) or left <= LONG or seconds < PATIENCE:
            return False
        return waited >= SHARE * seconds and busy <= SHARE * seconds

    def at(self, folder: LocalFolder) -> list[MailSession]:
        """The sessions, with the folder examined; those that find another one under its name are let go."""
        while self._room:
            self._room -= 1
            try:
                self._sessions.append(self._opened())
            except MailError as error:  # a limit that its provider does not tell, say
                log.info("no further session, going on with %d: %s", 1 + len(self._sessions), error)
                self._room = 0
        for session in tuple(self._sessions):
            if not _is_at(session, folder):
                self.leave(session)
        return list(self._sessions)

    def leave(self, session: MailSession) -> None:
        """It is of no use any more."""
        self._sessions.remove(session)
        session.close()

    def close(self) -> None:
        """The turn is over."""
        self._room = 0
        for session in tuple(self._sessions):
            self.leave(session)


def nobody() -> Company:
    """None besides the first."""
    return Company(0, _refuse)


def _refuse() -> MailSession:
    raise ConnectionFailed("No further session is wanted.")


def _is_at(session: MailSession, folder: LocalFolder) -> bool:
    try:
        return session.select(folder.wire_name).uidvalidity == folder.uidvalidity
    except MailError as error:
        log.info("a further session cannot open %s: %s", folder.id, error)
        return False
