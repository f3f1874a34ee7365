"""Moving, copying and removing messages of the selected folder.

MOVE (RFC 6851), or COPY and UID EXPUNGE (UIDPLUS, RFC 4315). Never EXPUNGE: it takes all that others marked as deleted.
"""

from collections.abc import Collection, Iterable

from mail.imap import fetching, names, uidsets
from mail.imap.offer import Offer, may_be_the_extension
from mail.imap.reader import Data, Status
from mail.imap.wire import CommandRefused
from mail.types import ChangeRefused, Copied

_DELETED = rb"(\Deleted)"


def moved(offer: Offer, uids: Collection[int], target: bytes | names.Literal) -> Copied:
    """Where messages came to lie. Raises CommandRefused, when some may have been moved, and ChangeRefused."""
    if offer.has("MOVE"):
        try:
            return _transferred(offer, b"UID MOVE", uids, target)
        except CommandRefused as refused:
            if not (may_be_the_extension(refused) and offer.has("UIDPLUS")):
                raise
        copied = _copied_and_removed(offer, uids, target)
        offer.blame("MOVE")
        return copied
    return _copied_and_removed(offer, uids, target)


def copied(offer: Offer, uids: Collection[int], target: bytes | names.Literal) -> Copied:
    """The same of copies; the messages stay."""
    return _transferred(offer, b"UID COPY", uids, target)


def removed(offer: Offer, uids: Collection[int]) -> None:
    """Delete messages for good. Raises CommandRefused, ChangeRefused."""
    _check_removable(offer)
    for chunk in uidsets.chunks(uids):
        offer.wire.run(b"UID STORE", chunk, b"+FLAGS.SILENT", _DELETED)
        offer.wire.run(b"UID EXPUNGE", chunk)


def _copied_and_removed(offer: Offer, uids: Collection[int], target: bytes | names.Literal) -> Copied:
    _check_removable(offer)
    told = copied(offer, uids, target)
    removed(offer, uids)
    return told


def _check_removable(offer: Offer) -> None:
    if not offer.has("UIDPLUS"):
        raise ChangeRefused(
            "The server offers neither MOVE nor UIDPLUS: no message can be taken out of a folder without all others "
            "that are marked as deleted there.",
            permanent=True,
        )


def _transferred(offer: Offer, verb: bytes, uids: Collection[int], target: bytes | names.Literal) -> Copied:
    validity, found = 0, dict[int, int]()
    for chunk in uidsets.chunks(uids):
        told = _copyuid(offer.wire.run(verb, chunk, target), set(uids))
        if validity in {0, told.uidvalidity}:
            validity = told.uidvalidity or validity
            found.update(told.uids)
    return Copied(validity, found)


def _copyuid(responses: Iterable[Data | Status], asked: Collection[int]) -> Copied:
    """What COPYUID tells of those that were asked for; it is untagged with MOVE. Nothing where it cannot be right."""
    for response in responses:
        if not (isinstance(response, Status) and response.code == b"COPYUID"):
            continue
        words = response.argument.split()
        if len(words) != 3:
            continue
        try:
            pairs = list(zip(uidsets.members(words[1]), uidsets.members(words[2]), strict=True))
        except (ValueError, uidsets.SetTooLarge):
            continue
        if len({new for _old, new in pairs}) == len(pairs):
            return Copied(fetching.number(words[0]), {old: new for old, new in pairs if old in asked})
    return Copied()
