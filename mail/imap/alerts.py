"""What a server wants people to know (RFC 3501 §7.1), in the log."""

import logging

from mail.imap.reader import Status
from mail.line.redaction import without_password
from mail.types import Login

log = logging.getLogger(__name__)

_ALERTS = 10  # different ones in a session


class Alerts:
    """Those of one session; each is told once, for some servers say it with each answer."""

    def __init__(self, login: Login) -> None:
        self._login = login
        self._told: set[str] = set()

    def tell(self, alert: Status) -> None:
        """Warn whoever reads the log."""
        if alert.text not in self._told and len(self._told) < _ALERTS:
            self._told.add(alert.text)
            words = without_password(alert.text, self._login)
            log.warning("%s warns %s: %s", self._login.host, self._login.username, words)
