"""Model and mirror in one form, and the laws that hold whenever a turn had the server's whole truth."""

import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from accounts.models import Account
from mail import raw
from mail.mime import parse
from mail.models import Folder, Gap, Location, Message
from mail.types import message_id, message_key
from tests.laws.model import Mail, Mailbox

_ROLES = {b"INBOX": "inbox", b"Sent": "sent", b"Entw&APw-rfe": "drafts", b"Trash": "trash"}

Place = tuple[frozenset[str], UUID]  # flags, message


@dataclass(frozen=True, slots=True)
class FolderState:
    """A folder as a reader sees it, and where its mail lies."""

    role: str
    selectable: bool
    total: int
    unread: int
    places: dict[int, Place]


@dataclass(frozen=True, slots=True)
class MessageState:
    """A message as a reader sees it. `folders` by wire name."""

    digest: bytes
    subject: str
    folders: frozenset[str]
    unread: bool
    starred: bool


@dataclass(frozen=True, slots=True)
class State:
    """A whole mailbox."""

    folders: dict[str, FolderState]
    messages: dict[UUID, MessageState]


def identity(account: Account, mail: Mail, *, object_ids: bool) -> UUID:
    """The message's public id."""
    return message_id(account.id, message_key(mail.email_id if object_ids else "", mail.digest))


def of_model(mailbox: Mailbox, identify: Callable[[Mail], UUID]) -> State:
    """What the mirror is to be."""
    folders: dict[str, FolderState] = {}
    held: dict[UUID, list[tuple[str, frozenset[str], Mail]]] = {}
    for wire, folder in mailbox.folders.items():
        name = wire.decode("latin-1")
        places: dict[int, Place] = {}
        for uid, copy in folder.copies.items():
            message = identify(copy.mail)
            places[uid] = copy.flags, message
            held.setdefault(message, []).append((name, copy.flags, copy.mail))
        role = _ROLES.get(wire, "") if folder.selectable else ""
        folders[name] = FolderState(role, folder.selectable, len(folder.copies), folder.unseen, places)
    return State(folders, {message: _message(copies) for message, copies in held.items()})


def _message(copies: list[tuple[str, frozenset[str], Mail]]) -> MessageState:
    mail = copies[0][2]
    return MessageState(
        mail.digest,
        parse(mail.raw).subject,
        frozenset(name for name, _flags, _mail in copies),
        any("\\Seen" not in flags for _name, flags, _mail in copies),
        any("\\Flagged" in flags for _name, flags, _mail in copies),
    )


def of_mirror(
    account: Account, without: Collection[UUID] = (), named: Callable[[Message], UUID] = lambda row: row.pk
) -> State:
    """What the mirror is, but for these messages. Raw mail that is not what its digest says is an AssertionError."""
    rows = list(Folder.objects.filter(account=account))
    names = {row.id: row.wire_name or "" for row in rows}
    folders = {
        names[row.id]: FolderState(row.role, row.selectable, row.total_count, row.unread_count, {}) for row in rows
    }
    valid = {row.id: row.uidvalidity for row in rows}
    for place in Location.objects.filter(folder__account=account).select_related("message"):
        assert place.uidvalidity == valid[place.folder_id], "a place of an older UIDVALIDITY is left"
        folders[names[place.folder_id]].places[place.uid] = frozenset(place.flags), named(place.message)
    messages = {
        named(row): MessageState(
            bytes(row.digest), row.subject, frozenset(names[each] for each in row.folder_ids), row.unread, row.starred
        )
        for row in Message.objects.filter(account=account).exclude(id__in=without)
    }
    digests = {row.id: bytes(row.digest) for row in Message.objects.filter(account=account)}
    stored = raw.raws_of(digests)
    assert {key: hashlib.sha256(content).digest() for key, content in stored.items()} == digests
    return State(folders, messages)


def without_flags(state: State) -> State:
    """The state as far as flags do not decide it."""
    folders = {
        name: replace(folder, places={uid: (frozenset(), message) for uid, (_flags, message) in folder.places.items()})
        for name, folder in state.folders.items()
    }
    return State(folders, {key: replace(each, unread=False, starred=False) for key, each in state.messages.items()})


def differences(expected: State, found: State) -> list[str]:
    """What is otherwise than expected, in words."""
    return [*_differences(expected.folders, found.folders), *_differences(expected.messages, found.messages)]


def _differences(expected: Mapping[Any, object], found: Mapping[Any, object]) -> list[str]:
    return [
        f"{key}: {found.get(key, 'not there')} instead of {expected.get(key, 'nothing')}"
        for key in sorted(expected.keys() | found.keys())
        if expected.get(key) != found.get(key)
    ]


def gaps(account: Account) -> int:
    """UIDs that the server did not hand out."""
    return Gap.objects.filter(folder__account=account).count()
