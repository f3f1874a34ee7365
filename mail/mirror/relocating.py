"""Moves and deletions that were made here, onto the server."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from uuid import UUID

from mail import store
from mail.mirror.effect import Effect, Look
from mail.mirror.turn import Turn
from mail.store import Due
from mail.sync.moving import Step, steps
from mail.types import ChangeRefused, Copied, FolderVanished, LocalFolder, MailError, Place

log = logging.getLogger(__name__)

_Errand = tuple[UUID, UUID | None, bool]  # from this folder to that one, or nowhere; whether it stays where it is


def relocate(turn: Turn, look: Look, actions: Sequence[Due]) -> Effect:
    """Raises ConnectionFailed."""
    effect = Effect()
    places: defaultdict[UUID, list[Place]] = defaultdict(list)
    for place in store.places_of(action.message for action in actions):
        places[place.message].append(place)
    errands: defaultdict[_Errand, list[tuple[Due, Place]]] = defaultdict(list)
    for action in actions:
        reason = _obstacle(look, action, places[action.message])
        if reason:
            effect.errors[action.number] = reason
            continue
        if not (action.folders or places[action.message] or look.is_over):
            effect.unseen.add(action.number)  # nothing to delete, as far as is known
            continue
        for place, target, stays in _steps(action, places[action.message]):
            errands[place.folder, target, stays].append((action, place))
    # Copies, moves, removals: while anything of a message has not gone well, nothing of it is taken away.
    for errand in sorted(errands, key=lambda errand: (not errand[2], errand[1] is None)):
        chosen = [(action, place) for action, place in errands[errand] if action.number not in effect.errors]
        if chosen:
            _run(turn, look, errand, chosen, effect)
    return effect


def _steps(action: Due, places: Sequence[Place]) -> list[Step]:
    return steps(action.folders or (), places)


def _obstacle(look: Look, action: Due, places: Sequence[Place]) -> MailError | None:
    """Why it cannot be carried out now."""
    if look.may_have_missed(action):
        return MailError("A message that may be this one is yet to be looked at.")
    if any(place.folder not in look.folders for place in places):
        return ChangeRefused("A folder that the message is in has just been found to be gone.")
    for target in action.folders or ():
        if obstacle := _obstacle_at(look, action, target):
            return obstacle
    if places or (not action.folders and not look.unseen):
        return None
    return MailError("The message is in no folder of the server.")


def _obstacle_at(look: Look, action: Due, target: UUID) -> MailError | None:
    """Why nothing can be put there now."""
    if target not in look.folders:
        return ChangeRefused("The folder that the message is to be in is gone.", permanent=True)
    if not (look.folders[target].selectable and look.folders[target].wire_name):
        return ChangeRefused("The folder that the message is to be in is not on the server.")
    if action.tries and (look.unseen is None or target in look.unseen):
        return MailError(f"The server does not let {look.folders[target].name} be looked at.")
    return None


def _run(turn: Turn, look: Look, errand: _Errand, chosen: Sequence[tuple[Due, Place]], effect: Effect) -> None:
    source_id, target_id, stays = errand
    source = look.folders[source_id]
    uids = [place.uid for _action, place in chosen]
    where = source.wire_name, source.uidvalidity or 0, uids
    try:
        if target_id is None:
            turn.session.editor.remove(*where)
            effect.writes.append(partial(store.forget_places, folder=source, uids=uids))
            return
        target = look.folders[target_id]
        transfer = turn.session.editor.copy if stays else turn.session.editor.move
        told = transfer(*where, target.wire_name)
    except (ChangeRefused, FolderVanished) as error:
        log.info("account %s: %s", turn.account_id, error)
        effect.errors.update((action.number, error) for action, _place in chosen)
        return
    told = _trusted(told, target)
    effect.writes.append(partial(store.copy_places, source=source, target=target, copied=told))
    if not stays:
        effect.writes.append(partial(store.forget_places, folder=source, uids=list(told.uids)))
    effect.unseen.update(action.number for action, place in chosen if place.uid not in told.uids)


def _trusted(told: Copied, target: LocalFolder) -> Copied:
    """What COPYUID tells of UIDs that the mirror does not know yet, under the UIDVALIDITY that it knows."""
    if told.uidvalidity != target.uidvalidity:
        return Copied()
    return Copied(told.uidvalidity, {old: new for old, new in told.uids.items() if new >= target.uidnext})
