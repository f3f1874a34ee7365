"""The content of uploads on its way in: counted, and on disk where it is large."""

from django.conf import settings

from api.errors import TooLarge
from mail.spool import Spool
from mail.types import Octets

IN_MEMORY = 512 * 1024  # bytes; a larger content lies in a file, of which a process may have 1,024 open


class Room:
    """How much may still come."""

    def __init__(self, most: int, what: str) -> None:
        self._most = self._left = most
        self._what = what

    def take(self, octets: int) -> None:
        """Raises TooLarge."""
        self._left -= octets
        if self._left < 0:
            raise TooLarge(f"{self._what} larger than {self._most} bytes.")


class Content:
    """Octets that are written piece by piece, and then read where they lie. All of it raises NoRoom."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._held = bytearray()
        self._spool: Spool | None = None

    def write(self, piece: bytes) -> None:
        """Raises TooLarge."""
        self._room.take(len(piece))
        self._held += piece
        if len(self._held) > IN_MEMORY:
            self._spill()

    def octets(self) -> Octets:
        """What was written."""
        if self._spool is None:
            return bytes(self._held)
        self._spill()
        with self._spool:
            return self._spool.octets()

    def _spill(self) -> None:
        self._spool = self._spool or Spool()
        self._spool.write(bytes(self._held))
        self._held.clear()


def room_for_files() -> Room:
    """For all attachments of one message, decoded."""
    return Room(settings.SYNCFARM_MAX_UPLOAD_BYTES, "The attachments together are")


def room_for_body() -> Room:
    """For a request's body, or the raw MIME in it."""
    return Room(settings.SYNCFARM_MAX_BODY_BYTES, "The request's body is")
