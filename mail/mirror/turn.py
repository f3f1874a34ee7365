"""What every step of a turn needs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from mail import store
from mail.imap.session import MailSession


@dataclass(frozen=True, slots=True)
class Turn:
    """One account, held by one worker, over one connection."""

    account_id: UUID
    token: UUID
    deadline: float  # of time.monotonic
    thorough: bool
    on_commit: Callable[[], None]
    session: MailSession = field(default=None)  # type: ignore[assignment]  # set once the connection is open

    def is_over(self) -> bool:
        """Whether the time is up."""
        return time.monotonic() >= self.deadline

    @contextmanager
    def writing(self) -> Iterator[store.Batch]:
        """A fenced transaction of the account (mail.store.writing), announced once it is committed."""
        with store.writing(self.account_id, self.token) as batch:
            yield batch
        self.on_commit()
