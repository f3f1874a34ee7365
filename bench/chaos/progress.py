"""What happens, for who runs a driver."""

import sys
import time


class Progress:
    """A line that is written over on a terminal; elsewhere one every few seconds."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._told = -1e9

    def tell(self, what: str) -> None:
        """What happens, in words."""
        if sys.stdout.isatty():
            print(f"\r\033[K{self._label}{what}"[:150], end="", flush=True)
        elif time.monotonic() - self._told > 10:
            self._told = time.monotonic()
            print(f"{self._label}{what}", flush=True)
