"""Changes of a mailbox: flags of messages, where they are, its folders. What is only read is mail.imap.session's."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from mail.imap import appending, mailboxes, moving, names, storing
from mail.imap.offer import Offer, says_gone
from mail.imap.wire import CommandRefused
from mail.types import ChangeRefused, Copied, FlagChange, FolderVanished, NewFolder, Octets


class Editor:
    """Every method raises ConnectionFailed when the connection breaks, and ChangeRefused or FolderVanished when the
    server refuses; some of it may have been done by then.

    What cannot be told apart by UIDVALIDITY is left alone."""

    def __init__(self, offer: Offer, opened: Callable[[str, int], None]) -> None:
        """`opened` is told of the folder that is selected, by its name and UIDVALIDITY, 0 until that is known."""
        self._offer = offer
        self._opened = opened

    def change_flags(
        self, wire_name: str, uidvalidity: int, changes: Sequence[FlagChange]
    ) -> dict[int, frozenset[str]]:
        """Change flags in a folder; the flags as the server tells them then, which it need not of all messages.
        Changing them again does no harm."""
        with self._folder(wire_name, uidvalidity):
            return storing.stored(self._offer.wire, changes)

    def move(self, wire_name: str, uidvalidity: int, uids: Collection[int], target: str) -> Copied:
        """Move messages from a folder into another, by its wire_name."""
        with self._folder(wire_name, uidvalidity):
            return moving.moved(self._offer, uids, names.quote(target))

    def copy(self, wire_name: str, uidvalidity: int, uids: Collection[int], target: str) -> Copied:
        """Copy messages of a folder into another."""
        with self._folder(wire_name, uidvalidity):
            return moving.copied(self._offer, uids, names.quote(target))

    def remove(self, wire_name: str, uidvalidity: int, uids: Collection[int]) -> None:
        """Delete messages from a folder for good."""
        with self._folder(wire_name, uidvalidity):
            moving.removed(self._offer, uids)

    def append(self, wire_name: str, octets: Octets, flags: Collection[str], at: datetime) -> tuple[int, int]:
        """Put a message into a folder, received at that time; its UIDVALIDITY and UID, zeros where the server does not
        tell. Doing it twice makes two."""
        with self._refusals(wire_name):
            return appending.appended(self._offer.wire, names.quote(wire_name), octets, flags, at)

    def find(self, wire_name: str, uidvalidity: int, header_id: str, low: int) -> list[int]:
        """UIDs of a folder, from `low` on, of messages with this Message-ID."""
        with self._folder(wire_name, uidvalidity):
            return appending.found(self._offer.wire, header_id, low)

    def create_folder(self, wire_name: str) -> NewFolder | None:
        """Make a folder; None: there is one of this name already."""
        with self._refusals(wire_name):
            return mailboxes.created(self._offer, wire_name)

    def rename_folder(self, wire_name: str, target: str, below: Iterable[tuple[str, str]] = ()) -> None:
        """Give a folder another name, or another place. `below`: the old and the new names of all below it."""
        with self._left(wire_name):
            mailboxes.renamed(self._offer, wire_name, target, below)

    def delete_folder(self, wire_name: str) -> None:
        """Delete a folder with the mail in it. FolderVanished: there is none."""
        with self._left(wire_name):
            mailboxes.deleted(self._offer, wire_name)

    def personal_prefix(self) -> str:
        """What the wire names of all folders but INBOX begin with, as far as the server tells."""
        return mailboxes.personal_prefix(self._offer)

    @contextmanager
    def _left(self, wire_name: str) -> Iterator[None]:
        """No folder is selected from here on."""
        self._opened("", 0)
        with self._refusals(wire_name):
            yield

    @contextmanager
    def _folder(self, wire_name: str, uidvalidity: int) -> Iterator[None]:
        name = names.decode(wire_name.encode("latin-1"))
        self._opened(name, 0)
        with self._refusals(wire_name):
            told = storing.selected(self._offer.wire, names.quote(wire_name))
            if told != uidvalidity:
                raise ChangeRefused(f"The server has renumbered the folder {name} since it was mirrored.")
            self._opened(name, told)
            yield

    @contextmanager
    def _refusals(self, wire_name: str) -> Iterator[None]:
        try:
            yield
        except CommandRefused as refused:
            if says_gone(refused):
                raise FolderVanished(f"The server has no such folder any more: {refused}") from refused
            raise storing.as_refusal(refused, names.decode(wire_name.encode("latin-1"))) from refused
