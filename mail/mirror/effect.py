"""What every way of carrying something out is given, and gives."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from mail import store
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


@dataclass(slots=True)
class Effect:
    """What the server made of actions. `errors`: of those that it refused; `unseen`: those that it carried out without
    telling what came of it; the others are done. `writes`: what the mirror has to note in the same transaction."""

    errors: dict[int, MailError] = field(default_factory=dict)
    unseen: set[int] = field(default_factory=set)
    writes: list[Callable[[store.Batch], None]] = field(default_factory=list)
