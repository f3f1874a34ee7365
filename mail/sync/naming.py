"""Where a folder that somebody names is to be, in the tree as readers see it: pure."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

LONGEST = 1024  # characters of a path
LONGEST_OWN = 255  # octets of one level: what file systems take, in which servers keep them
_WILD = "%*"  # LIST would take them for patterns (RFC 3501 §6.3.8)
_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})  # control characters, lone surrogates, line and paragraph separators


class NameRefused(ValueError):
    """A folder cannot be called so, be there, or be changed; the message says why."""


class NotListedYet(NameRefused):
    """The server has not been asked for its folders yet, so that nobody knows what separates the levels of a name."""


class Known(NamedTuple):
    """A folder as readers see it; `name` is its path."""

    id: UUID
    name: str
    delimiter: str
    role: str = ""
    attributes: frozenset[str] = frozenset()

    @property
    def split(self) -> tuple[str, str]:
        """What comes before its own name, with the delimiter, and its own name."""
        before, found, own = self.name.rpartition(self.delimiter) if self.delimiter else ("", "", self.name)
        return before + found, own


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a folder is to be. `parents`: the one that holds it, or none; None: what holds it now."""

    own: str
    path: str
    delimiter: str
    parents: list[UUID] | None


def for_new(folders: Sequence[Known], name: str, parent: UUID | None) -> Spot:
    """Of a folder that is to be made: below `parent`, or, without one, at this path. Raises NameRefused."""
    if not folders:
        raise NotListedYet("The folders of the mailbox are not known yet. Try again when its first sync has begun.")
    return _checked(folders, _composed(_below(folders, name, parent) if parent else _at(folders, name)))


def for_known(folders: Sequence[Known], ours: Known, name: str | None, parent: UUID | None, *, moves: bool) -> Spot:
    """Of a folder that is to have another name, another parent (None: the top) if it `moves`, or both. A name with the
    delimiter is a whole path. Raises NameRefused."""
    check_changeable(ours)
    before, own = ours.split
    own = (name or own).removeprefix(before)
    if moves:
        spot = _below(folders, own, parent) if parent else _at_top(folders, own)
    elif ours.delimiter and ours.delimiter in own:
        spot = _at(folders, own)
    else:
        spot = Spot(own, before + own, ours.delimiter, None)
    if ours.delimiter and spot.path.startswith(ours.name + ours.delimiter):
        raise NameRefused("A folder cannot be moved below itself.")
    others = [folder for folder in folders if folder.id != ours.id]
    return _checked(others, spot if spot.own == ours.split[1] else _composed(spot))


def check_changeable(ours: Known) -> None:
    """Raises NameRefused for what mail programs rely on."""
    if ours.role:
        raise NameRefused(f"{ours.name} is a system folder ({ours.role}): it can be neither renamed nor deleted.")


def check_childless(folders: Sequence[Known], ours: Known) -> None:
    """Raises NameRefused."""
    if ours.delimiter and any(folder.name.startswith(ours.name + ours.delimiter) for folder in folders):
        raise NameRefused(f"There are folders below {ours.name}: delete them or move them away first.")


def _at(folders: Sequence[Known], path: str) -> Spot:
    """A path; one without levels is at the top."""
    delimiter = _delimiter(folders)
    before, found, own = path.rpartition(delimiter) if delimiter else ("", "", path)
    if not found:
        return _at_top(folders, path)
    holder = next((folder for folder in folders if folder.name == before), None)
    if holder is None:
        raise NameRefused(f"There is no folder {before!r} to hold {own!r}: make that first.")
    return _below(folders, own, holder.id)


def _at_top(folders: Sequence[Known], own: str) -> Spot:
    """Some servers have everything below the inbox (Courier, Dovecot with a prefix): there that is the top."""
    delimiter = _delimiter(folders)
    inbox = next((folder for folder in folders if folder.role == "inbox"), None)
    others = [folder for folder in folders if folder is not inbox]
    if inbox and delimiter and others and all(folder.name.startswith(inbox.name + delimiter) for folder in others):
        return _below(folders, own, inbox.id)
    if delimiter and delimiter in own:
        raise NameRefused(f"The name of a folder cannot hold {delimiter!r}, which separates levels in this mailbox.")
    return Spot(own, own, delimiter, [])


def _below(folders: Sequence[Known], name: str, parent: UUID) -> Spot:
    holder = next((folder for folder in folders if folder.id == parent), None)
    if holder is None:
        raise NameRefused("parent_id: there is no such folder in this grant.")
    if not holder.delimiter or any(each.lower() == "\\noinferiors" for each in holder.attributes):
        raise NameRefused(f"The server has no folders below {holder.name}.")
    before = holder.name + holder.delimiter
    own = name.removeprefix(before)
    if holder.delimiter in own:
        raise NameRefused(
            f"The name of a folder cannot hold {holder.delimiter!r}, which separates levels in this mailbox."
        )
    return Spot(own, before + own, holder.delimiter, [parent])


def _delimiter(folders: Sequence[Known]) -> str:
    """The inbox's, or whatever another folder has: a mailbox has one."""
    inbox_first = sorted(folders, key=lambda folder: folder.role != "inbox")
    return next((folder.delimiter for folder in inbox_first if folder.delimiter), "")


def _composed(spot: Spot) -> Spot:
    """With the name in the form that all agree on (RFC 5198 §3): macOS would spell it in another."""
    own = unicodedata.normalize("NFC", spot.own)
    return replace(spot, own=own, path=spot.path.removesuffix(spot.own) + own)


def _checked(others: Sequence[Known], spot: Spot) -> Spot:
    if not spot.own.strip():
        raise NameRefused("A folder needs a name.")
    if any(unicodedata.category(sign) in _UNSEEN for sign in spot.own):
        raise NameRefused("The name of a folder cannot hold control characters or line breaks.")
    if any(sign in _WILD for sign in spot.own):
        raise NameRefused("The name of a folder cannot hold % or *, which are wildcards in IMAP.")
    if len(spot.path) > LONGEST or len(spot.own.encode()) > LONGEST_OWN:
        raise NameRefused(f"The name is too long: {LONGEST_OWN} octets of UTF-8, {LONGEST} characters with its path.")
    if spot.path.casefold() == "inbox":
        raise NameRefused("INBOX is the name of the inbox, in whatever case.")
    if any(folder.name == spot.path for folder in others):
        raise NameRefused(f"There is a folder {spot.path!r} already.")
    return spot
