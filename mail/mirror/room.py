"""How much mail a process holds at once: a hundred accounts that copy batches of megabytes must not add up."""

import threading

ROOM = 96 * 1024 * 1024  # octets on the server; in memory a batch takes two to three times as much


class Room:
    """Room for so many octets, given in the order of asking. What is larger gets all of it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._free = size
        self._door = threading.Lock()  # the one who waits next; who comes later does not overtake
        self._changed = threading.Condition()

    def take(self, octets: int) -> int:
        """Wait until there is room; returns what to give back."""
        wanted = min(octets, self._size)
        with self._door, self._changed:
            while self._free < wanted:
                self._changed.wait()
            self._free -= wanted
        return wanted

    def take_now(self, octets: int) -> int | None:
        """The same without waiting; None where there is no room, or somebody waits for some."""
        if not self._door.acquire(blocking=False):
            return None
        try:
            with self._changed:
                wanted = min(octets, self._size)
                if self._free < wanted:
                    return None
                self._free -= wanted
                return wanted
        finally:
            self._door.release()

    def give(self, octets: int) -> None:
        """Give room back."""
        with self._changed:
            self._free += octets
            self._changed.notify()


IN_FLIGHT = Room(ROOM)
