"""The answers to EXAMINE and to FETCH … CHANGEDSINCE: what changed in a folder (RFC 3501 §6.3.1, RFC 7162)."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from mail.imap import fetching, uidsets
from mail.imap.reader import Data, Status
from mail.types import Changes, Selected, SyncPoint


@dataclass(slots=True)
class _Told:
    """What the responses told so far."""

    exists: int = 0
    codes: dict[bytes, int] = field(default_factory=dict)
    changed: dict[int, frozenset[str]] = field(default_factory=dict)
    vanished: list[bytes] = field(default_factory=list)


def selected(responses: Iterable[Data | Status], since: SyncPoint | None) -> Selected:
    """The folder's state; `since` is the sync point that the QRESYNC parameter named, if it did.

    uidvalidity or uidnext is 0 where the server does not say.
    """
    told = _told(responses)
    uidvalidity = told.codes.get(b"UIDVALIDITY", 0)
    vanished = _vanished(told, since.uidnext - 1) if since is not None else None
    resynced = since is not None and vanished is not None and since.uidvalidity == uidvalidity and _answers(told, since)
    return Selected(
        uidvalidity=uidvalidity,
        uidnext=told.codes.get(b"UIDNEXT", 0),
        exists=told.exists,
        highestmodseq=told.codes.get(b"HIGHESTMODSEQ", 0),
        resynced=resynced,
        vanished=vanished if resynced and vanished is not None else frozenset(),
        flags=told.changed if resynced else {},
    )


def _answers(told: _Told, since: SyncPoint) -> bool:
    """Whether the QRESYNC parameter had an effect: some servers take it and tell nothing of what changed.

    Something did where the mod-sequence rose, if only that a message came; the parameter names no UIDs, so that the
    server tells of that too.
    """
    unchanged = told.codes.get(b"HIGHESTMODSEQ", 0) == since.highestmodseq
    return unchanged or bool(told.changed or told.vanished)


def changes(responses: Iterable[Data | Status], since: SyncPoint) -> Changes:
    """What changed since. Without VANISHED, or with more of it than can be, `vanished` is empty: counts tell then."""
    told = _told(responses)
    return Changes(flags=told.changed, vanished=_vanished(told, since.uidnext - 1) or frozenset())


def _told(responses: Iterable[Data | Status]) -> _Told:
    told = _Told()
    for response in responses:
        if isinstance(response, Data):
            _note(told, response)
        elif response.code == b"CLOSED":  # RFC 7162 §3.2.11: all until here was about the folder selected before
            told = _Told()
        elif response.code == b"NOMODSEQ":
            told.codes[b"HIGHESTMODSEQ"] = 0
        elif response.argument.isdigit():
            told.codes[response.code] = fetching.number(response.argument)
    return told


def _note(told: _Told, response: Data) -> None:
    if response.kind == b"EXISTS":
        told.exists = response.number
    elif response.kind == b"VANISHED":
        told.vanished.extend(token for token in response.items if isinstance(token, bytes))
    elif response.kind == b"FETCH":
        uid, items = fetching.items_of(response)
        if uid and fetching.tells_flags(items):
            told.changed[uid] = fetching.flags(items)


def _vanished(told: _Told, highest: int) -> frozenset[int] | None:
    """The UIDs up to `highest` that went, or None where the server names more than can be held.

    It may name UIDs that never were (RFC 7162 §3.2.6).
    """
    try:
        return frozenset(uid for part in told.vanished for uid in uidsets.members(part, high=highest))
    except uidsets.SetTooLarge:
        return None


def with_uidnext(chosen: Selected, responses: Iterable[Data | Status]) -> Selected:
    """The same with the UIDNEXT of a STATUS response."""
    for response in responses:
        if isinstance(response, Data) and response.kind == b"STATUS" and len(response.items) >= 2:
            uidnext = fetching.number(fetching.pairs(response.items[1]).get(b"UIDNEXT"))
            return replace(chosen, uidnext=uidnext)
    return chosen
