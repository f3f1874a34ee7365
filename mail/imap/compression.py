"""COMPRESS=DEFLATE (RFC 4978), where the link is the limit: mail shrinks to a half, and CPU is spent at both ends."""

import contextlib

from mail.imap.offer import Offer
from mail.imap.wire import CommandRefused
from mail.line.watch import Meter

# The link is judged after so many octets, or after so many seconds of waiting: a few round trips are no slow link.
ENOUGH = 4 * 1024 * 1024
LONG = 2.0
SLOW = 3_000_000  # octets a second; a core inflates some 200 MB/s, and Dovecot deflates 30 MB/s
BUSY = 0.5  # of the time on a core: then the process is the limit
_NAME = "COMPRESS=DEFLATE"


class Compression:
    """Whether one session's server is to compress. Switched on once, when nothing is under way."""

    def __init__(self, offer: Offer, meter: Meter) -> None:
        self._offer = offer
        self._meter = meter
        self._on = self._doubted = False

    @property
    def failed(self) -> frozenset[str]:
        """Its name, where the server offers it and fails at it."""
        garbled = self._on and self._offer.wire.garbled
        return frozenset({_NAME} if self._doubted or garbled else ())

    @property
    def is_due(self) -> bool:
        """Whether it would pay; then nothing should be ordered, so that it can be switched on."""
        meter = self._meter
        known = meter.octets >= ENOUGH or meter.blocked >= LONG
        slow = known and meter.rate < SLOW and meter.busy <= BUSY * meter.seconds
        return slow and not self._on and self._offer.has(_NAME)

    def switch_on_if_due(self) -> None:
        """Between two commands. Raises ConnectionFailed."""
        wire = self._offer.wire
        if not self.is_due or not wire.is_idle:
            return
        try:
            wire.run(b"COMPRESS", b"DEFLATE")
        except CommandRefused:
            self._offer.blame(_NAME)
            return
        self._on = self._doubted = True
        wire.compress()
        with contextlib.suppress(CommandRefused):  # in words that can be read
            wire.run(b"NOOP")
        self._doubted = False
