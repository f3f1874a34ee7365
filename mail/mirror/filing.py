"""Folders that were made, renamed and deleted here, onto the server, one after the other.

What may have been carried out unnoticed is tried again only after the turn has listed the folders: one that is made or
renamed by then is so in the mirror, too (mail.sync.folders), and one that is gone is gone.
"""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple
from uuid import UUID

from mail import store
from mail.imap import names
from mail.mirror.effect import Effect, Look
from mail.mirror.turn import Turn
from mail.models import ActionKind
from mail.store import Due
from mail.types import ChangeRefused, FolderVanished, LocalFolder, MailError

log = logging.getLogger(__name__)

_Folders = Mapping[UUID, LocalFolder]


class _Names(NamedTuple):
    """What a folder is to be called, for people and on the wire."""

    name: str
    wire: str


def change_folder(turn: Turn, look: Look, actions: Sequence[Due]) -> Effect:
    """Carry out one action of a folder. `look` holds the folders as they are now. Raises ConnectionFailed."""
    (action,) = actions
    effect = Effect()
    try:
        _WORK[ActionKind(action.kind)](turn, look.folders, action, effect)
    except (ChangeRefused, FolderVanished, MailError) as error:
        log.info("account %s: %s", turn.account_id, error)
        effect.errors[action.number] = error
    return effect


def _make(turn: Turn, folders: _Folders, action: Due, effect: Effect) -> None:
    ours = _ours(folders, action)
    if ours.wire_name:  # LIST has told of it
        return
    target = _target(folders, ours, action)
    if not action.folders and not any(folder.wire_name and folder.role != "inbox" for folder in folders.values()):
        # Nothing tells yet whether all folders are below the inbox (Courier, Dovecot with a prefix), but the server.
        prefix = turn.session.editor.personal_prefix()
        target = _Names(names.decode(prefix.encode("latin-1")) + target.name, prefix + target.wire)
    made = turn.session.editor.create_folder(target.wire)
    if made is None:
        if action.tries:
            raise ChangeRefused(f"The server has a folder {target.name} already, and does not list it.")
        effect.unseen.add(action.number)
        return
    effect.writes.append(partial(store.folder_made, folder=ours.id, name=target.name, wire_name=target.wire, made=made))


def _rename(turn: Turn, folders: _Folders, action: Due, effect: Effect) -> None:
    ours = _made(_ours(folders, action))
    target = _target(folders, ours, action)
    if target.wire == ours.wire_name:
        return
    holder = next((folder for folder in folders.values() if folder.wire_name == target.wire), None)
    if holder:
        # Unless it is to be called otherwise, or to go: that is an action, too.
        is_there_to_stay = not (holder.hidden or holder.wished_name)
        raise ChangeRefused(f"There is a folder {target.name} already.", permanent=is_there_to_stay)
    delimiter = names.encode(ours.delimiter)
    below = [
        (folder.wire_name, target.wire + folder.wire_name.removeprefix(ours.wire_name))
        for folder in folders.values()
        if delimiter and folder.wire_name.startswith(ours.wire_name + delimiter)
    ]
    turn.session.editor.rename_folder(ours.wire_name, target.wire, below)
    effect.writes.append(
        partial(store.folder_renamed, ours=ours, name=target.name, wire_name=target.wire, wire_delimiter=delimiter)
    )


def _delete(turn: Turn, folders: _Folders, action: Due, effect: Effect) -> None:
    ours = folders.get(action.folder) if action.folder else None
    if ours is None:
        return  # somebody else was faster
    if not ours.wire_name:
        _delete_on_server(turn, names.encode(ours.name))  # it may be made by now, unnoticed
        return
    _check_empty_below(folders, ours)
    if store.has_leaving_mail(turn.account_id, ours.id):
        raise MailError("Messages are still to be moved out of the folder before it is deleted.")
    _delete_on_server(turn, ours.wire_name)
    effect.writes.append(partial(store.folder_gone, ours=ours))


def _delete_on_server(turn: Turn, wire_name: str) -> None:
    try:
        turn.session.editor.delete_folder(wire_name)
    except FolderVanished as error:
        log.info("account %s: %s", turn.account_id, error)


def _check_empty_below(folders: _Folders, ours: LocalFolder) -> None:
    """A server keeps the name of a folder that has others below it, as one that holds no mail (RFC 3501 §6.3.4)."""
    below = [
        folder
        for folder in folders.values()
        if ours.delimiter and folder.name.startswith(ours.name + ours.delimiter) and folder.wire_name
    ]
    if below:
        are_to_leave = all(folder.hidden or folder.wished_name for folder in below)
        raise ChangeRefused(f"There are folders below {ours.name}.", permanent=not are_to_leave)


def _ours(folders: _Folders, action: Due) -> LocalFolder:
    found = folders.get(action.folder) if action.folder else None
    if found is None:
        raise ChangeRefused("The folder is gone.", permanent=True)
    return found


def _made(folder: LocalFolder) -> LocalFolder:
    if not folder.wire_name:
        raise MailError(f"The folder {folder.name} is not on the server yet.")
    return folder


def _target(folders: _Folders, ours: LocalFolder, action: Due) -> _Names:
    """Where the action has the folder be, given what the server calls its parent now."""
    delimiter = _Names(ours.delimiter, names.encode(ours.delimiter))
    own = _Names(action.name, names.encode(action.name))
    if action.folders is None:
        return _Names(_before(ours.name, delimiter.name) + own.name, _before(ours.wire_name, delimiter.wire) + own.wire)
    if not action.folders:
        return own
    parent = folders.get(action.folders[0])
    if parent is None:
        raise ChangeRefused("The folder that was to hold it is gone.", permanent=True)
    parent = _made(parent)
    return _Names(parent.name + delimiter.name + own.name, parent.wire_name + delimiter.wire + own.wire)


def _before(name: str, delimiter: str) -> str:
    before, found, _own = name.rpartition(delimiter) if delimiter else ("", "", "")
    return before + found


_WORK = {ActionKind.MAKE_FOLDER: _make, ActionKind.RENAME_FOLDER: _rename, ActionKind.DELETE_FOLDER: _delete}
