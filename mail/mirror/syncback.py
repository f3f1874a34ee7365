"""Carries what was changed here to the server, in order, before a turn looks at what changed there.

Whoever holds the lease does both, so that neither sees the other half done: the mirror's places get what the server
tells after the change, in the transaction that ends the action.

Changing a flag twice does no harm; moving a message twice may leave two of it. So what moves is tried again only after
the turn has looked at the folders: what is there by then is not done again (mail.sync.moving).
"""

import random
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import islice
from uuid import UUID

from django.utils import timezone

from mail import store
from mail.mirror import appending, filing, flagging, relocating
from mail.mirror.effect import Effect, Look
from mail.mirror.turn import Turn
from mail.models import ActionKind
from mail.store import Due
from mail.sync.schedule import retry_delay
from mail.types import ConnectionFailed, LocalFolder

# An action whose tries fail, with no word from the server that they always will, is given up after both.
TRIES = 5
PATIENCE = timedelta(hours=6)
AT_ONCE = 500  # actions
SECONDS = 5.0  # then the turn goes on, and what is left is the next one's

Work = Callable[[Turn, Look, Sequence[Due]], Effect]


def carry_out(turn: Turn, folders: Iterable[LocalFolder], unseen: Collection[UUID] | None = None) -> bool:
    """The actions that are due, within reason. Returns whether any was about a folder, so that those are others now.
    Raises ConnectionFailed, LeaseLost.

    `unseen`: the turn has looked at all folders but these; None: it has not looked yet."""
    look = Look({folder.id: folder for folder in folders}, unseen)
    until = time.monotonic() + SECONDS
    changed = False
    while due := store.due_actions(turn.account_id, AT_ONCE, looked=look.is_over):
        look = _carry_out_in_order(turn, look, due, until)
        changed = changed or any(action.folder for action in due)
        turn.on_commit()
        if time.monotonic() >= until:
            break
    return changed


def _carry_out_in_order(turn: Turn, look: Look, due: Sequence[Due], until: float) -> Look:
    """Folders first, since messages may be on their way into them; those that go last, since messages may be on their
    way out. Returns the look with the folders as they are then."""
    filed = [action for action in due if action.folder]
    look = _file(turn, look, [action for action in filed if action.kind != ActionKind.DELETE_FOLDER], until)
    messages = [action for action in due if not action.folder]
    if any(folder not in look.folders for action in messages for folder in action.folders or ()):
        look = _refreshed(turn, look)
    if messages and not _carry_out(turn, look, _together(messages)):
        look = replace(look, unseen=None)  # what came of it is to be looked for before it is done again
    return _file(turn, look, [action for action in filed if action.kind == ActionKind.DELETE_FOLDER], until)


def _file(turn: Turn, look: Look, actions: Iterable[Due], until: float) -> Look:
    for action in actions:
        if time.monotonic() < until:
            _carry_out(turn, _refreshed(turn, look), [action])
            look = _refreshed(turn, look)
    return look


def _refreshed(turn: Turn, look: Look) -> Look:
    """With the folders as they are now: they may have been changed here since."""
    return replace(look, folders={folder.id: folder for folder in store.local_folders(turn.account_id)})


def _together(due: Sequence[Due]) -> list[Due]:
    """Those of the messages that were tried least, the fewer the oftener: it may be at one of them that the server
    hangs up, or the process dies, and in the end each goes alone. A line that broke costs the others little."""
    tries: dict[UUID, int] = {}
    for action in due:
        tries[action.message] = max(tries.get(action.message, 0), action.tries)
    least = min(tries.values())
    chosen = set(islice((message for message in tries if tries[message] == least), max(1, AT_ONCE >> 2 * least)))
    return [action for action in due if action.message in chosen]


def _carry_out(turn: Turn, look: Look, due: Sequence[Due]) -> bool:
    """Whether the server told what came of it."""
    # Longer than a turn that fails of it waits: the next one looks at the mailbox.
    again = timezone.now() + retry_delay(due[0].tries + 2, random.random())  # noqa: S311 -- jitter
    with store.writing(turn.account_id, turn.token) as batch:
        begun = store.begin_actions(batch, [action.number for action in due], again)
    due = [action for action in due if action.number in begun]
    filed = [action for action in due if action.folder]
    flags = [action for action in due if action.kind == ActionKind.FLAGS]
    places = [action for action in due if action.kind in {ActionKind.FOLDERS, ActionKind.DELETE}]
    made = [action for action in due if action.kind == ActionKind.APPEND]
    work_of = (
        (filed, filing.change_folder),
        (made, appending.append),
        (flags, flagging.change),
        (places, relocating.relocate),
    )
    told = True
    absent: set[UUID] = set()  # messages that are yet to be put on the server: nothing else can be done with them
    for wanted, work in work_of:
        if actions := [action for action in wanted if action.message not in absent]:
            effect = _effect(turn, look, actions, work)
            _note(turn, actions, effect)
            told &= not effect.unseen
            if wanted is made:
                absent = {each.message for each in made if each.number in effect.errors.keys() | effect.unseen}
    return told


def _effect(turn: Turn, look: Look, actions: Sequence[Due], work: Work) -> Effect:
    try:
        return work(turn, look, actions)
    except ConnectionFailed as error:
        _note(turn, actions, Effect(errors={action.number: error for action in actions}))
        raise


def _note(turn: Turn, actions: Sequence[Due], effect: Effect) -> None:
    """One transaction: what is on the server now, and how each action ended."""
    open_ = effect.errors.keys() | effect.unseen
    with store.writing(turn.account_id, turn.token) as batch:
        for write in effect.writes:
            write(batch)
        store.end_actions(batch, [action.number for action in actions if action.number not in open_], {})
        if effect.unseen:
            store.await_sight(batch, effect.unseen)
        _fail(batch, [action for action in actions if action.number in effect.errors], effect)


def _fail(batch: store.Batch, refused: Sequence[Due], effect: Effect) -> None:
    """Give up what can be expected to fail for ever."""
    failed, later = dict[int, str](), dict[int, str]()
    for action in refused:
        error = effect.errors[action.number]
        (failed if error.permanent or _is_old(action) else later)[action.number] = str(error)
    if failed:
        store.end_actions(batch, [], failed)
    if later:
        store.postpone_actions(batch, later)


def _is_old(action: Due) -> bool:
    return action.tries + 1 >= TRIES and action.created_at < timezone.now() - PATIENCE
