"""Flags that were changed here, onto the server: the last word about each, in every place of a message."""

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple
from uuid import UUID

from mail import store
from mail.mirror.effect import Effect, Look
from mail.mirror.turn import Turn
from mail.store import Due
from mail.types import ChangeRefused, FlagChange, FolderVanished, MailError, Place

log = logging.getLogger(__name__)

_SEEN, _FLAGGED = "\\Seen", "\\Flagged"


class Wanted(NamedTuple):
    """What becomes of a message's flags; None: they stay."""

    unread: bool | None
    starred: bool | None

    def changes(self) -> dict[str, bool]:
        """Flag -> whether the message is to have it."""
        seen = {} if self.unread is None else {_SEEN: not self.unread}
        return seen | ({} if self.starred is None else {_FLAGGED: self.starred})


def change(turn: Turn, look: Look, actions: Sequence[Due]) -> Effect:
    """Raises ConnectionFailed."""
    wanted = _wanted(actions)
    by_folder: defaultdict[UUID, list[Place]] = defaultdict(list)
    for place in store.places_of(wanted):
        if place.folder in look.folders:
            by_folder[place.folder].append(place)
    effect = Effect()
    errors = dict[UUID, MailError]()
    for places in by_folder.values():
        errors |= _change(turn, look, wanted, places, effect)
    for message in wanted.keys() - {place.message for places in by_folder.values() for place in places}:
        errors[message] = MailError("The message is in no folder of the server.")
    effect.errors = {action.number: errors[action.message] for action in actions if action.message in errors}
    return effect


def _wanted(actions: Iterable[Due]) -> dict[UUID, Wanted]:
    """Of each message; the last word about a flag counts."""
    wanted: dict[UUID, Wanted] = {}
    for action in actions:
        before = wanted.get(action.message, Wanted(None, None))
        unread = before.unread if action.unread is None else action.unread
        wanted[action.message] = Wanted(unread, before.starred if action.starred is None else action.starred)
    return wanted


def _change(
    turn: Turn, look: Look, wanted: Mapping[UUID, Wanted], places: Sequence[Place], effect: Effect
) -> dict[UUID, MailError]:
    """In one folder; of which messages it was refused, and why."""
    folder = look.folders[places[0].folder]
    try:
        told = turn.session.editor.change_flags(folder.wire_name, folder.uidvalidity or 0, _edits(wanted, places))
    except (ChangeRefused, FolderVanished) as error:
        log.info("account %s: %s", turn.account_id, error)
        return {place.message: error for place in places}
    flags = {place.uid: _now(place, wanted[place.message], told) for place in places}
    effect.writes.append(partial(store.change_flags, folder=folder, flags=flags))
    return {
        place.message: ChangeRefused(f"The server does not keep the change in {folder.name}.", permanent=True)
        for place in places
        if not _is_kept(flags[place.uid], wanted[place.message])
    }


def _edits(wanted: Mapping[UUID, Wanted], places: Iterable[Place]) -> list[FlagChange]:
    edits: defaultdict[tuple[str, bool], list[int]] = defaultdict(list)
    for place in places:
        for flag, add in wanted[place.message].changes().items():
            edits[flag, add].append(place.uid)
    return [FlagChange(flag, add, uids) for (flag, add), uids in edits.items()]


def _now(place: Place, wanted: Wanted, told: Mapping[int, frozenset[str]]) -> frozenset[str]:
    """A message's flags as the server tells them; it may be silent about one that had them already, or is gone."""
    if place.uid in told:
        return told[place.uid]
    changes = wanted.changes()
    kept = {flag for flag in place.flags if changes.get(flag, True)}
    return frozenset(kept | {flag for flag, add in changes.items() if add})


def _is_kept(flags: frozenset[str], wanted: Wanted) -> bool:
    return all((flag in flags) == add for flag, add in wanted.changes().items())
