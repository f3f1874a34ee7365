"""What every way of carrying something out is given, and gives."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from django.utils import timezone

from mail import store
from mail.store import Due
from mail.sync.schedule import SUSPECT_RETRY
from mail.types import LocalFolder, MailError


@dataclass(frozen=True, slots=True)
class Look:
    """The mirror's folders, and how far the turn has looked at them: `unseen` were not reached; None: it has not."""

    folders: Mapping[UUID, LocalFolder]
    unseen: Collection[UUID] | None

    @property
    def is_over(self) -> bool:
        """Whether the turn has looked."""
        return self.unseen is not None

    def may_have_missed(self, action: Due) -> bool:
        """Whether what an action did unnoticed may be among the messages that the server did not hand out, or that a
        worker died of: they are asked for again (mail.sync.schedule.SUSPECT_RETRY), which is waited for once."""
        is_new = timezone.now() < action.created_at + 2 * SUSPECT_RETRY
        return is_new and bool(action.tries) and any(folder.gaps for folder in self.folders.values())


@dataclass(slots=True)
class Effect:
    """What the server made of actions. `errors`: of those that it refused; `unseen`: those that it carried out without
    telling what came of it; the others are done. `writes`: what the mirror has to note in the same transaction."""

    errors: dict[int, MailError] = field(default_factory=dict)
    unseen: set[int] = field(default_factory=set)
    writes: list[Callable[[store.Batch], None]] = field(default_factory=list)
