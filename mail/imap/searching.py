"""SEARCH and ESEARCH responses to UIDs (RFC 3501 §7.2.5, RFC 4731)."""

from collections.abc import Iterable, Iterator

from mail.imap import fetching, uidsets
from mail.imap.reader import Data, Status


def uids(responses: Iterable[Data | Status], low: int, high: int | None) -> list[int]:
    """The UIDs in low..high, ascending. "low:*" finds the last message even when it lies below. Raises SetTooLarge."""
    top = 2**32 - 1 if high is None else high
    found: set[int] = set()
    for response in responses:
        if isinstance(response, Status):
            continue
        if response.kind == b"SEARCH":
            found.update(map(fetching.number, response.items))
        elif response.kind == b"ESEARCH":
            for members in _all(response):
                found.update(uidsets.members(members, low, top))
    return sorted(uid for uid in found if max(low, 1) <= uid <= top)


def _all(response: Data) -> Iterator[bytes]:
    """The value of ALL, which is absent where nothing was found."""
    for name, value in zip(response.items, response.items[1:], strict=False):
        if isinstance(name, bytes) and name.upper() == b"ALL" and isinstance(value, bytes):
            yield value
