"""The bench on which every figure is measured: a mail server, a place for files, a bar that tells how far it is."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.progress import Progress

from bench import mailbox
from bench.farm import Farm
from bench.mailbox import Mailbox
from syncfarm.dovecot import Dovecot
from syncfarm.embedded.valkey import Valkey

QUICK = 20  # a quick run has mailboxes smaller by this factor


@dataclass(frozen=True, slots=True)
class Stand:
    """`runs`: of each side of a figure, whose median counts. `messages`: of the initial sync's mailbox, 0 for the size
    that counts."""

    server: Dovecot
    directory: Path
    progress: Progress
    runs: int
    quick: bool = False
    messages: int = 0

    def scaled(self, count: int) -> int:
        """A size that a quick run makes smaller."""
        return max(count // QUICK, 10) if self.quick else count

    def mailbox(self, messages: int, folders: int = 1) -> Mailbox:
        """A user's mail on the server, warm."""
        with self.bar(f"Mailbox of {messages:,}", messages) as told:
            made = mailbox.ready(self.server, messages, told, folders)
        mailbox.warm(self.server, made)
        return made

    @property
    def medians(self) -> str:
        """Of what a figure's numbers are medians."""
        return f"{self.runs} run{'s' * (self.runs > 1)}"

    def farm(self, name: str = "farm", *, log_statements: bool = False) -> Farm:
        """An empty one without a broker. Two at once need two names."""
        return Farm(self.directory / name, log_statements=log_statements)

    @contextmanager
    def brokered_farm(self) -> Iterator[Farm]:
        """An empty one whose workers can be reached."""
        valkey = Valkey(self.directory / "valkey", port=0)
        redis_url = valkey.start()
        try:
            with Farm(self.directory / "farm", redis_url) as farm:
                yield farm
        finally:
            valkey.stop()

    @contextmanager
    def bar(self, description: str, total: int) -> Iterator[Callable[[int], None]]:
        """A progress line. What it yields is told how many are done."""
        task = self.progress.add_task(description, total=total)
        yield lambda done: self.progress.update(task, completed=min(done, total))
        self.progress.update(task, completed=total)
        self.progress.stop_task(task)
