"""The batches of a folder in their order, fetched ahead by one session, or in turn by several."""

import contextlib
import itertools
import logging
import queue
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import TracebackType
from typing import Self

from mail.imap.session import MailSession
from mail.mirror.ahead import Ahead
from mail.mirror.hauls import Haul, Job, Sizes, begun, filled, hauls, in_batches
from mail.mirror.turn import Turn
from mail.sync.visit import ENTRIES
from mail.types import LocalFolder, MailError

log = logging.getLogger(__name__)

_GIVEN = 2  # batches that a session has at once: one that comes, one that is ordered
LEFT = "the batch before could not be stored"


class _Line:
    """One session's part of the batches."""

    def __init__(self, turn: Turn) -> None:
        self.session = turn.open_session
        self._given: queue.Queue[Job | None] = queue.Queue()
        self._out: deque[Job] = deque()
        produce = filled(turn, self._given)
        self._ahead = Ahead(produce, abandon=lambda: self.session.stop(LEFT), drop=lambda job: job.drop())
        self._coming = iter(self._ahead)

    def __enter__(self) -> Self:
        self._ahead.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._given.put(None)
        self._ahead.__exit__(kind, error, trace)
        for job in self._out:
            job.drop()

    def give(self, job: Job) -> None:
        """One more to do."""
        self._out.append(job)
        self._given.put(job)

    def next(self) -> Job:
        """Wait for the first of those that were given and did not come yet. Raises what the session raises."""
        job = next(self._coming)
        self._out.popleft()
        return job

    def end(self) -> None:
        """Let it finish what is under way, which is fetched once more by another."""
        self._given.put(None)
        with contextlib.suppress(MailError):
            for job in self._coming:
                job.drop()


class _SessionLost(Exception):
    """A further session failed at something: the others go on."""

    def __init__(self, session: MailSession) -> None:
        super().__init__()
        self.session = session


class Convoy:
    """Iterates over what comes of the UIDs. Whoever leaves before the end loses the connections.

    Raises what the first session raises: FolderFailed, ConnectionFailed.
    """

    def __init__(self, turn: Turn, folder: LocalFolder, uids: Sequence[int]) -> None:
        self._turn = turn
        self._folder = folder
        self._left = list(uids)
        self._open = ExitStack()
        self._began, self._cpu = time.monotonic(), time.process_time()
        self._blocked = turn.open_session.meter.blocked

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.__exit__(kind, error, trace)

    def __iter__(self) -> Iterator[Haul]:
        while self._left:
            company = self._turn.company.at(self._folder) if self._is_worth_company() else []
            for haul in self._together(company) if company else self._alone():
                del self._left[: len(haul.uids)]
                yield haul
            if self._turn.is_over():
                return

    def _is_worth_company(self) -> bool:
        waited = self._turn.open_session.meter.blocked - self._blocked
        seconds, busy = time.monotonic() - self._began, time.process_time() - self._cpu
        return self._turn.company.is_worth(len(self._left), seconds, waited, busy)

    def _alone(self) -> Iterator[Haul]:
        """Until all is done, the turn is over, or it would go faster in company."""
        produce = hauls(self._turn, tuple(self._left), until=self._is_worth_company)
        session = self._turn.open_session
        yield from self._open.enter_context(Ahead(produce, abandon=lambda: session.stop(LEFT), drop=Haul.drop))

    def _together(self, company: list[MailSession]) -> Iterator[Haul]:
        """Until all is done, the turn is over, or one of the company is lost."""
        turns = [self._turn, *(replace(self._turn, open_session=session) for session in company)]
        lines = [self._open.enter_context(_Line(turn)) for turn in turns]
        try:
            yield from self._in_turn(lines, tuple(self._left))
        except _SessionLost as lost:
            log.info("account %s: a further session is lost: %s", self._turn.account_id, lost.__cause__)
            self._turn.company.leave(lost.session)
        for line in lines:
            line.end()

    def _in_turn(self, lines: list[_Line], uids: Sequence[int]) -> Iterator[Haul]:
        """The first session asks for the sizes of the next chunk among its batches, so that no session pauses."""
        deal = _Deal(self._turn, lines)
        chunk, *later = (Sizes(uids[start : start + ENTRIES]) for start in range(0, len(uids), ENTRIES))
        chunk.told = self._turn.session.entries(chunk.uids)
        for following in later:
            if deal.is_over:
                break
            deal.ask(following)
            yield from deal.out(chunk)
            while following.told is None:
                yield from deal.take()
            chunk = following
        yield from deal.out(chunk)
        while deal.under_way:
            yield from deal.take()


class _Deal:
    """Batches given to lines in turn, and taken in that order."""

    def __init__(self, turn: Turn, lines: list[_Line]) -> None:
        self.under_way: deque[_Line] = deque()
        self._turn = turn
        self._first = lines[0]
        self._next = itertools.cycle(lines)
        self._most = _GIVEN * len(lines)
        self._given = False

    @property
    def is_over(self) -> bool:
        """Whether no more is to be given; one batch is in any case."""
        return self._given and self._turn.is_over()

    def ask(self, sizes: Sizes) -> None:
        """Have the first session ask for them after what it has to do."""
        self._first.give(sizes)
        self.under_way.append(self._first)

    def out(self, chunk: Sizes) -> Iterator[Haul]:
        """Give its batches, and take others as there is no room for more, until it is over. Room is taken in the order
        in which batches are stored, or some would wait for room that others keep."""
        for batch, too_large in in_batches(chunk.uids, chunk.told or ()):
            if self.is_over:
                return
            if len(self.under_way) >= self._most:
                yield from self.take()
            while (haul := begun(self._turn, batch, headers_only=too_large, wait=not self.under_way)) is None:
                yield from self.take()
            self.under_way.append(next(self._next))
            self.under_way[-1].give(haul)
            self._given = True

    def take(self) -> Iterator[Haul]:
        """Wait for the one that was given first; nothing where that were sizes."""
        line = self.under_way.popleft()
        try:
            job = line.next()
        except MailError as error:
            if line is self._first:
                raise
            raise _SessionLost(line.session) from error
        if isinstance(job, Haul):
            yield job
