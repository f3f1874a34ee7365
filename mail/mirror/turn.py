"""What every step of a turn needs."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Event
from typing import Self
from uuid import UUID

from mail import store
from mail.imap.session import MailSession
from mail.mirror.company import Company, nobody
from mail.mirror.opening import share_connection


@dataclass(frozen=True, slots=True)
class Turn:
    """One account, held by one worker, over one connection to its server, and perhaps `company` for a while."""

    account_id: UUID
    token: UUID
    open_session: MailSession
    budget: float  # seconds
    thorough: bool
    on_commit: Callable[[], None]
    careful: bool = False  # the turns before it died with their processes
    company: Company = field(default_factory=nobody)
    files_sent: bool = False  # the provider keeps copies of what is sent, and made here as well
    began: float = field(default_factory=time.monotonic)
    wished: Event = field(default_factory=Event)  # somebody changed something here, and waits for the server to know

    @property
    def session(self) -> MailSession:
        """The server, to be asked now."""
        share_connection()
        return self.open_session

    def is_over(self) -> bool:
        """Whether the time is up, or a change that was made here is more urgent."""
        return self.wished.is_set() or time.monotonic() >= self.began + self.budget

    def with_time_to_copy(self) -> Self:
        """The turn, half of whose time is left however long it took to look for what is new."""
        return replace(self, began=max(self.began, time.monotonic() - self.budget / 2))

    @contextmanager
    def writing(self) -> Iterator[store.Batch]:
        """A fenced transaction of the account (mail.store.writing), announced once it is committed."""
        with store.writing(self.account_id, self.token) as batch:
            if batch.wished:
                self.wished.set()
            yield batch
        self.on_commit()
