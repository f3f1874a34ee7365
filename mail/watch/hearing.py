"""Which responses tell that something changed in the mailbox."""

from mail.watch.responses import Response

# VANISHED: RFC 7162; STATUS and LIST come unasked by NOTIFY alone (RFC 5465 §4, §5). RECENT comes with EXISTS.
_TELLING = frozenset({b"EXPUNGE", b"VANISHED", b"FETCH", b"STATUS", b"LIST"})


class Hearing:
    """What one connection has heard."""

    def __init__(self) -> None:
        self._exists: int | None = None  # messages of the selected folder, where nothing was said that changes them

    def tells(self, response: Response) -> bool:
        """Whether it tells of a change. Some servers repeat EXISTS as a sign of life: that is none."""
        if response.tag != b"*":
            return False
        if response.kind == b"EXISTS":
            known, self._exists = self._exists, response.number
            return known != response.number
        if response.kind in {b"EXPUNGE", b"VANISHED"}:
            self._exists = None
        return response.kind in _TELLING
