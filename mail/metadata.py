"""Pairs of words that applications keep with messages. They are ours: no server hears of them, and they stay with a
message wherever it moves, as its id does."""

from collections.abc import Mapping
from uuid import UUID

from mail import store


def set_metadata(account_id: UUID, message_id: UUID, metadata: Mapping[str, str] | None) -> bool:
    """Have a message carry these pairs and no others; None: none. Returns whether that changed anything: not where it
    had them already, or is gone. Raises Account.DoesNotExist if the account is removed."""
    with store.beside(account_id) as batch:
        return store.set_metadata(batch, message_id, metadata)
