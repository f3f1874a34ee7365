"""Copying older mail: newest first, a checkpoint with each batch."""

from mail import store
from mail.mirror.arrivals import copy
from mail.mirror.turn import Turn
from mail.mirror.visit import begin
from mail.types import LocalFolder

_NOT_YET = 2  # 1 says that all is copied, which is said together with what ends the copying: a worker may die between


def backfill(turn: Turn, folder: LocalFolder) -> bool:
    """Copy what lies below the checkpoint until the turn is over. True once all of it is copied.

    Raises FolderFailed, ConnectionFailed, LeaseLost.
    """
    selected = turn.session.select(folder.wire_name)
    if selected.uidvalidity != folder.uidvalidity:
        folder = begin(turn, folder, selected)
    older = turn.session.uids(1, folder.backfill_uid - 1) if folder.backfill_uid > 1 else []
    folder = copy(turn, folder, older[::-1], lambda uids: {"backfill_uid": max(uids[-1], _NOT_YET)})
    if older and folder.backfill_uid > max(older[0], _NOT_YET):
        return False
    with turn.writing() as batch:
        folder = store.checkpoint(batch, folder, backfill_uid=1)
        store.finish_reset(batch, folder)
    return True
