"""Which local folder is which folder of the server: kept, renamed, created, deleted.

An id must survive a rename, and no server tells of one. So folders are matched by what a rename keeps, strongest first:
MAILBOXID (RFC 8474), then name and UIDVALIDITY, then a UIDVALIDITY that only one folder has on either side, then the
name alone (that folder was reset), then the name that it was given here: its server may have done that unnoticed.
"""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from uuid import UUID

from mail.types import ConnectionFailed, FolderPlan, LocalFolder, RemoteFolder


def plan_folders(local: Sequence[LocalFolder], remote: Sequence[RemoteFolder]) -> FolderPlan:
    """Match the mirror's folders with the server's list.

    Raises ConnectionFailed if the server lists nothing selectable: that is a server in trouble, not a mailbox
    without an inbox (RFC 3501 §5.1 promises INBOX), and the mirror must not be thrown away for it.
    """
    if local and not any(folder.selectable for folder in remote):
        raise ConnectionFailed("the server lists no folders; the mirror is kept as it is until it lists them again")
    matcher = _Matcher(list(local), list(remote))
    matcher.match(lambda f: f.mailbox_id or None, lambda f: f.mailbox_id or None)
    matcher.match(
        lambda f: (f.wire_name, f.uidvalidity) if f.uidvalidity else None,
        lambda f: (f.wire_name, f.uidvalidity) if f.uidvalidity else None,
    )
    lone = _lone_uidvalidities(local, remote)
    matcher.match(
        lambda f: f.uidvalidity if f.uidvalidity in lone else None,
        lambda f: f.uidvalidity if f.uidvalidity in lone else None,
        sound=lambda ours, theirs: theirs.uidnext is None or theirs.uidnext >= ours.uidnext,
    )
    matcher.match(lambda f: f.wire_name or None, lambda f: f.wire_name)
    matcher.match(lambda f: (f.wished_name if f.wire_name else f.name) or None, lambda f: f.name)
    return FolderPlan(kept=matcher.pairs, created=matcher.remote, deleted=[f for f in matcher.local if f.wire_name])


def _lone_uidvalidities(local: Iterable[LocalFolder], remote: Iterable[RemoteFolder]) -> frozenset[int]:
    """UIDVALIDITYs that name one folder on each side. Servers that give all folders the same one tell nothing by it."""
    ours = Counter(folder.uidvalidity for folder in local)
    theirs = Counter(folder.uidvalidity for folder in remote)
    return frozenset(value for value, count in ours.items() if value and count == 1 and theirs[value] == 1)


def _always(_ours: LocalFolder, _theirs: RemoteFolder) -> bool:
    return True


class _Matcher:
    """Takes pairs out of two lists, one rule after the other."""

    def __init__(self, local: list[LocalFolder], remote: list[RemoteFolder]) -> None:
        self.local, self.remote = local, remote
        self.pairs: list[tuple[LocalFolder, RemoteFolder]] = []

    def match(
        self,
        local_key: Callable[[LocalFolder], Hashable | None],
        remote_key: Callable[[RemoteFolder], Hashable | None],
        sound: Callable[[LocalFolder, RemoteFolder], bool] = _always,
    ) -> None:
        """Pair what has equal keys; a key of None pairs with nothing."""
        waiting = {key: folder for folder in self.local if (key := local_key(folder)) is not None}
        left: list[RemoteFolder] = []
        paired: set[UUID] = set()
        for theirs in self.remote:
            key = remote_key(theirs)
            ours = waiting.get(key) if key is not None else None
            if ours is not None and sound(ours, theirs):
                self.pairs.append((ours, theirs))
                del waiting[key]
                paired.add(ours.id)
            else:
                left.append(theirs)
        self.remote = left
        self.local = [folder for folder in self.local if folder.id not in paired]


def needs_visit(ours: LocalFolder, theirs: RemoteFolder, strategy: str) -> bool:
    """Whether STATUS leaves room for a difference. The cost of "nothing changed" must not grow with the mailbox.

    Without CONDSTORE flags may change with every count the same, so such folders are always visited (in windows).
    """
    if not theirs.selectable:
        return False
    if ours.gap_due or ours.next_try_at or not theirs.highestmodseq or strategy == "full":
        return True
    if (theirs.uidvalidity, theirs.uidnext, theirs.highestmodseq) != (
        ours.uidvalidity,
        ours.uidnext,
        ours.highestmodseq,
    ):
        return True
    return ours.backfill_uid <= 1 and theirs.messages != ours.mirrored + ours.gaps


_ROLES_FIRST = ("inbox", "sent", "drafts", "archive", "all")


def visiting_order(folder: RemoteFolder) -> tuple[int, str]:
    """Sort key: the inbox first, then what people look at, junk and trash last."""
    if folder.role in _ROLES_FIRST:
        return _ROLES_FIRST.index(folder.role), folder.name
    return (len(_ROLES_FIRST) + (folder.role in ("junk", "trash")), folder.name)
