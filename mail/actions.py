"""Changes that people make here: readers see them at once, the next turn of the account carries them to the server.

An action is a row, committed together with what readers see of it; the nudge that follows only shortens the wait.
"""

from collections.abc import Collection
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from accounts.models import Account, AccountState
from mail import store
from mail.intent import nudge

_WAITING = (AccountState.CONNECTING, AccountState.INITIAL, AccountState.LIVE)


def change(
    account_id: UUID,
    messages: Collection[UUID],
    *,
    unread: bool | None = None,
    starred: bool | None = None,
    folders: Collection[UUID] | None = None,
) -> int:
    """Have messages read or unread, starred or not, in these folders and no others; None leaves it. Returns how many of
    them there are.

    An account that is backing off is not asked sooner for it. Raises Account.DoesNotExist if it is removed.
    """
    found = 0
    with store.beside(account_id) as batch:
        if unread is not None or starred is not None:
            found = store.wish_flags(batch, messages, unread=unread, starred=starred)
        if folders is not None:
            found = store.wish_folders(batch, messages, folders)
        hurry(account_id)
    return found


def delete(account_id: UUID, messages: Collection[UUID]) -> int:
    """Delete messages from all their folders, for good. Returns how many of them there are. Raises
    Account.DoesNotExist."""
    with store.beside(account_id) as batch:
        found = store.wish_deletion(batch, messages)
        hurry(account_id)
    return found


def retry(account_id: UUID, wanted: Collection[UUID]) -> int:
    """Have actions that failed carried out after all; readers see them as done again. Returns how many."""
    with store.beside(account_id) as batch:
        again = store.revive_actions(batch, wanted)
        if again:
            hurry(account_id)
    return again


def hurry(account_id: UUID) -> None:
    """Have the account carry out what is pending, once this is committed."""
    if Account.objects.filter(pk=account_id, state__in=_WAITING).update(next_sync_at=timezone.now()):
        transaction.on_commit(nudge)
