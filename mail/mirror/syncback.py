"""Carries what was changed here to the server, in order, before a turn looks at what changed there.

Whoever holds the lease does both, so that neither sees the other half done: the mirror's places get the flags that the
server tells after the change, in the transaction that ends the action.
"""

import logging
import random
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from django.utils import timezone

from mail import store
from mail.mirror.turn import Turn
from mail.store import Due, Place
from mail.sync.schedule import retry_delay
from mail.types import ChangeRefused, ConnectionFailed, FlagChange, FolderVanished, LocalFolder, MailError

log = logging.getLogger(__name__)

# An action whose tries fail, with no word from the server that they always will, is given up after both.
TRIES = 5
PATIENCE = timedelta(hours=6)
AT_ONCE = 500  # actions
SECONDS = 5.0  # then the turn goes on, and what is left is the next one's
_SEEN, _FLAGGED = "\\Seen", "\\Flagged"


class Wanted(NamedTuple):
    """What becomes of a message's flags; None: they stay."""

    unread: bool | None
    starred: bool | None

    def changes(self) -> dict[str, bool]:
        """Flag -> whether the message is to have it."""
        seen = {} if self.unread is None else {_SEEN: not self.unread}
        return seen | ({} if self.starred is None else {_FLAGGED: self.starred})


@dataclass(slots=True)
class _Outcome:
    """What the server said. `flags`: folder -> UID -> flags; `errors`: of messages whose change it refused."""

    flags: dict[UUID, dict[int, frozenset[str]]] = field(default_factory=dict)
    errors: dict[UUID, MailError] = field(default_factory=dict)


def carry_out(turn: Turn, folders: Iterable[LocalFolder]) -> datetime | None:
    """The actions that are due, within reason; when the next one is. Raises ConnectionFailed, LeaseLost."""
    by_id = {folder.id: folder for folder in folders}
    until = time.monotonic() + SECONDS
    while due := store.due_actions(turn.account_id, AT_ONCE):
        _carry_out(turn, by_id, _together(due))
        turn.on_commit()
        if time.monotonic() >= until:
            break
    return store.next_action_at(turn.account_id)


def _together(due: Sequence[Due]) -> list[Due]:
    """Those of the messages that were tried least, the fewer the oftener: it may be at one of them that the server
    hangs up, or the process dies, and in the end each goes alone. A line that broke costs the others little."""
    tries: dict[UUID, int] = {}
    for action in due:
        tries[action.message] = max(tries.get(action.message, 0), action.tries)
    least = min(tries.values())
    chosen = set(islice((message for message in tries if tries[message] == least), max(1, AT_ONCE >> 2 * least)))
    return [action for action in due if action.message in chosen]


def _carry_out(turn: Turn, folders: Mapping[UUID, LocalFolder], due: Sequence[Due]) -> None:
    numbers = [action.number for action in due]
    # Longer than a turn that fails of it waits: the next one looks at the mailbox.
    again = timezone.now() + retry_delay(due[0].tries + 2, random.random())  # noqa: S311 -- jitter
    with store.writing(turn.account_id, turn.token) as batch:
        store.begin_actions(batch, numbers, again)
    wanted = _wanted(due)
    places = [place for place in store.places_of(wanted) if place.folder in folders]
    try:
        outcome = _change_flags(turn, folders, wanted, places)
    except ConnectionFailed as error:
        with store.writing(turn.account_id, turn.token) as batch:
            _fail(batch, due, dict.fromkeys(wanted, error))
        raise
    for message in wanted.keys() - {place.message for place in places}:
        outcome.errors[message] = MailError("The message is in no folder of the server.")
    _note(turn, folders, due, outcome)


def _wanted(due: Iterable[Due]) -> dict[UUID, Wanted]:
    """Of each message; the last word about a flag counts."""
    wanted: dict[UUID, Wanted] = {}
    for action in due:
        before = wanted.get(action.message, Wanted(None, None))
        unread = before.unread if action.unread is None else action.unread
        wanted[action.message] = Wanted(unread, before.starred if action.starred is None else action.starred)
    return wanted


def _change_flags(
    turn: Turn, folders: Mapping[UUID, LocalFolder], wanted: Mapping[UUID, Wanted], places: Iterable[Place]
) -> _Outcome:
    """In each folder where one of the messages is."""
    outcome = _Outcome()
    by_folder: defaultdict[UUID, list[Place]] = defaultdict(list)
    for place in places:
        by_folder[place.folder].append(place)
    for folder_id, there in by_folder.items():
        folder = folders[folder_id]
        try:
            told = turn.session.change_flags(folder.wire_name, folder.uidvalidity or 0, _edits(wanted, there))
        except (ChangeRefused, FolderVanished) as error:
            log.info("account %s: %s", turn.account_id, error)
            outcome.errors.update((place.message, error) for place in there)
            continue
        outcome.flags[folder_id] = {place.uid: _now(place, wanted[place.message], told) for place in there}
        outcome.errors.update(
            (place.message, ChangeRefused(f"The server does not keep the change in {folder.name}.", permanent=True))
            for place in there
            if not _is_kept(outcome.flags[folder_id][place.uid], wanted[place.message])
        )
    return outcome


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


def _note(turn: Turn, folders: Mapping[UUID, LocalFolder], due: Sequence[Due], outcome: _Outcome) -> None:
    """One transaction: the flags as they are on the server now, and how each action ended."""
    done = [action.number for action in due if action.message not in outcome.errors]
    with store.writing(turn.account_id, turn.token) as batch:
        for folder_id, flags in outcome.flags.items():
            store.change_flags(batch, folders[folder_id], flags)
        store.end_actions(batch, done, {})
        _fail(batch, due, outcome.errors)


def _fail(batch: store.Batch, due: Iterable[Due], errors: Mapping[UUID, MailError]) -> None:
    """Give up what can be expected to fail for ever."""
    refused = {action: errors[action.message] for action in due if action.message in errors}
    failed = {action.number: str(error) for action, error in refused.items() if error.permanent or _is_old(action)}
    later = {action.number: str(error) for action, error in refused.items() if action.number not in failed}
    if failed:
        store.end_actions(batch, [], failed)
    if later:
        store.postpone_actions(batch, later)


def _is_old(action: Due) -> bool:
    return action.tries + 1 >= TRIES and action.created_at < timezone.now() - PATIENCE
