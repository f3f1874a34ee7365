"""The ways to ask for the same thing, each with the extension that it needs; the last needs none."""

from collections.abc import Sequence

from mail.imap import names
from mail.imap.offer import Offer, Way
from mail.types import SyncPoint


def to_fetch(offer: Offer, uids: bytes, items: Sequence[bytes], *, ids: bool) -> list[Way]:
    """UID FETCH; `ids`: with the provider's ids, where offered."""
    first, others = items[0], b"".join(b" " + item for item in items[1:])
    if ids and offer.has("X-GM-EXT-1"):
        return [("", (b"UID FETCH", uids, b"(%s X-GM-MSGID X-GM-THRID%s)" % (first, others)))]
    ways: list[Way] = [("", (b"UID FETCH", uids, b"(%s%s)" % (first, others)))]
    if ids:
        ways.insert(0, ("OBJECTID", (b"UID FETCH", uids, b"(%s EMAILID THREADID%s)" % (first, others))))
    return ways


def to_examine(offer: Offer, name: bytes | names.Literal, known: SyncPoint | None) -> list[Way]:
    """EXAMINE, so that MODSEQs are told; `known`: so that QRESYNC tells what changed since."""
    ways: list[Way] = [("", (b"EXAMINE", name))]
    if offer.strategy != "full":
        ways.insert(0, ("CONDSTORE", (b"EXAMINE", name, b"(CONDSTORE)")))
    if known:
        parameter = b"(QRESYNC (%d %d))" % (known.uidvalidity, known.highestmodseq)
        ways.insert(0, ("QRESYNC", (b"EXAMINE", name, parameter)))
    return ways
