"""What both sides said of each message, and what must follow from the last word: nothing lost, nothing doubled, and
exactly what was asked for here where nobody contradicted."""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import UUID

from tests.laws.model import Copy, Folder, Mail, Mailbox

Held = Counter[tuple[UUID, Folder]]  # message and folder -> in how many places


@dataclass(slots=True)
class Said:
    """Of one message. A word is None once the other side has contradicted it, or may have."""

    folders: Held | None = None  # where it is to be: exactly there; {}: nowhere
    flags: dict[str, bool] = field(default_factory=dict)  # flag -> whether it is to have it
    actions: set[int] = field(default_factory=set)  # by which it was said


class Words:
    """Listens to both sides."""

    def __init__(self, mailbox: Mailbox, identity: Callable[[Mail], UUID]) -> None:
        self._mailbox, self._identity = mailbox, identity
        self.said: dict[UUID, Said] = {}
        self.put: Held = Counter()  # by other clients, ever
        self.asked: set[tuple[UUID, Folder]] = set()  # here, ever
        self.taken: set[UUID] = set()  # messages of which somebody, here or there, deleted a copy
        self._before: tuple[Held, Counter[Hashable]] = (Counter(), Counter())

    def held(self) -> Held:
        """Where the server has everything."""
        return Counter((self._identity(copy.mail), folder) for folder, copy in self._copies())

    @contextmanager
    def others(self) -> Iterator[None]:
        """The block is what other clients do."""
        self.begin()
        yield
        self.end()

    def begin(self) -> None:
        """From here on it is other clients who change the mailbox."""
        self._before = self.held(), self._flags()

    def end(self) -> None:
        """Up to here it was."""
        held, flags = self.held(), self._flags()
        came, went = held - self._before[0], self._before[0] - held
        self.put.update(came)
        for message, _folder in [*came, *went]:
            self._contradict(message, places=True)
        fewer = Counter(message for message, _folder in self._before[0].elements())
        fewer -= Counter(message for message, _folder in held.elements())
        self.taken |= fewer.keys()
        for message, *_rest in [*(flags - self._before[1]), *(self._before[1] - flags)]:  # type: ignore[misc] # tuples
            self._contradict(message, places=False)

    def place(self, message: UUID, folders: Collection[Folder], *, known: bool, gone: bool = False) -> None:
        """Said here: it is to be in these. `known`: the mirror knew where it was. `gone`: and in others, which the server
        no longer has, or one of these is not known here as it is: then it may be in any of these, or not."""
        held = Counter({key: count for key, count in self.held().items() if key[0] == message})
        said = self.said.setdefault(message, Said())
        said.folders = None
        self.asked |= {(message, folder) for folder in folders}
        if not folders and not gone:
            self.taken.add(message)
        if known and not gone:
            said.folders = Counter({(message, folder): max(1, held[message, folder]) for folder in folders})

    def mark(self, message: UUID, flags: dict[str, bool], *, known: bool) -> None:
        """Said here: it is to have these flags, or not to."""
        said = self.said.setdefault(message, Said())
        said.flags.update(flags)
        if not known:
            said.flags.clear()

    def broken(self, ended: Callable[[UUID], Collection[str]]) -> list[str]:
        """What does not follow, in words. `ended`: how a message's actions ended."""
        return [*self._lost(), *self._doubled(), *self._disobeyed(ended)]

    def _lost(self) -> Iterator[str]:
        there = {message for message, _folder in self.held()}
        once = {message for message, _folder in [*self.put]}
        for message in once - there - self.taken:
            yield f"{message} is lost: nobody deleted it"

    def _doubled(self) -> Iterator[str]:
        for (message, folder), count in self.held().items():
            allowed = self.put[message, folder] + ((message, folder) in self.asked)
            if count > allowed:
                yield f"{message} is {count} times in {folder.wire!r}, where {allowed} were put"

    def _disobeyed(self, ended: Callable[[UUID], Collection[str]]) -> Iterator[str]:
        held = self.held()
        for message, said in self.said.items():
            if "failed" in ended(message):
                continue
            found = Counter({key: count for key, count in held.items() if key[0] == message})
            if said.folders is not None and found != said.folders:
                yield f"{message} is in {_names(found)}, and was to be in {_names(said.folders)}"
            for folder, copy in self._copies():
                if self._identity(copy.mail) == message:
                    wrong = {flag: add for flag, add in said.flags.items() if (flag in copy.flags) != add}
                    if wrong:
                        yield f"{message} in {folder.wire!r} has {sorted(copy.flags)}, and was to have {wrong}"

    def _contradict(self, message: UUID, *, places: bool) -> None:
        said = self.said.get(message)
        if said is not None:
            said.flags.clear()  # a copy may bring other flags along
            if places:
                said.folders = None

    def _copies(self) -> Iterator[tuple[Folder, Copy]]:
        for folder in self._mailbox.selectable:
            for copy in folder.copies.values():
                yield folder, copy

    def _flags(self) -> Counter[Hashable]:
        return Counter((self._identity(copy.mail), folder, copy.flags) for folder, copy in self._copies())


def _names(held: Held) -> list[tuple[bytes, int]]:
    return sorted((folder.wire, count) for (_message, folder), count in held.items())
