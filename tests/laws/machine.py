"""A mailbox that changes, a server in trouble, workers that die: the state machine whose every end is a whole mirror."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from typing import Any

from django.db import connections
from django.utils import timezone
from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from accounts.models import Account, Host
from mail import audit, changes, lease
from mail.mirror import Result, sync_account
from mail.models import Action, Folder, Gap, Transaction
from mail.types import LeaseLost
from tests.laws.account import connected, removed
from tests.laws.application import Application
from tests.laws.comparison import differences, gaps, identity, of_mirror, of_model, without_flags
from tests.laws.death import STEPS, Death, Killed, Worker
from tests.laws.mailing import CHANGES, Change
from tests.laws.manner import EXTRAS, OFFERED, Manner, Trouble
from tests.laws.model import Mailbox
from tests.laws.reader import Reader
from tests.laws.server import LineBroken, ModelServer

COMMANDS = 24  # of a turn, more or less
WINDOW = 2  # messages whose flags are compared at once where the server cannot tell what changed
OCTETS = 6000  # of a turn's answers

MANNERS = st.builds(
    Manner,
    capabilities=st.frozensets(st.sampled_from(EXTRAS)),
    shuffles=st.booleans(),
    chatty=st.booleans(),
    late=st.booleans(),
    forgetful=st.booleans(),
    literals=st.booleans(),
    keeps_uidnext=st.booleans(),
    keeps_uids=st.booleans(),
    seed=st.integers(0, 1000),
)
_COMMAND = st.integers(0, COMMANDS)
FAULTS = st.fixed_dictionaries(
    {},
    optional={
        "drop": st.integers(0, OCTETS),
        "bye": _COMMAND,
        "refuse": _COMMAND,
        "refuse_late": _COMMAND,
        "code": st.sampled_from(["UNAVAILABLE", "SERVERBUG", "INUSE", "OVERQUOTA", "NONEXISTENT"]),
        "stale": st.integers(-2, 2),
    },
)
DEATHS = st.builds(Death, st.sampled_from(STEPS), st.integers(0, COMMANDS // 2))
BUDGETS = st.sampled_from([timedelta(seconds=30), timedelta(0)])


class Mirroring(Application):
    """Rules change the mailbox and sync it, well or badly; after each turn without trouble, and at the end, mirror and
    server are equal."""

    def __init__(self, strategy: str) -> None:
        super().__init__()
        self.strategy = strategy
        self.stack = ExitStack()
        self.sound = False  # no rule has failed
        self.missed: set[Any] = set()  # messages that were nowhere for a while, or could not be had from there

    @initialize(
        manner=MANNERS,
        one_uidvalidity=st.booleans(),
        ids_by_content=st.booleans(),
        before=st.lists(CHANGES, max_size=10),
    )
    def connect(self, manner: Manner, one_uidvalidity: bool, ids_by_content: bool, before: list[Change]) -> None:
        """A mailbox on a server of some kind, not yet mirrored."""
        capabilities = manner.capabilities | {*OFFERED[self.strategy]}
        self.object_ids = "OBJECTID" in capabilities
        self.mailbox = Mailbox(one_uidvalidity=one_uidvalidity, ids_by_content=ids_by_content)
        offered = Manner(**{name: getattr(manner, name) for name in Manner.__slots__} | {"capabilities": capabilities})
        self.server = self.stack.enter_context(ModelServer(self.mailbox, offered))
        self.account = connected(self.server)
        self.stack.callback(removed, self.account)
        self.begin_words()
        self.reader = Reader(self.account)
        self.change([Change("append", which=3), Change("create", to=1), Change("append", where=1, which=3)])
        self.change([Change("create", to=2), *before])
        self.sound = True

    @rule(happens=st.lists(CHANGES, min_size=1, max_size=5))
    def change(self, happens: list[Change]) -> None:
        """Other clients do something."""
        for change in happens:
            self._happens(change)

    @rule(which=st.integers(0, 20), rounds=st.integers(1, 4))
    def withhold(self, which: int, rounds: int) -> None:
        """The server will list a message and not hand it out, so many times."""
        places = [(folder, uid) for folder in self.mailbox.selectable for uid in folder.copies]
        if places:
            folder, uid = places[which % len(places)]
            self.server.withheld[folder, uid] = rounds
            self.missed.add(self.identity(folder.copies[uid].mail))

    @rule()
    def time_passes(self) -> None:
        """All backoffs are over."""
        Host.objects.all().delete()
        Folder.objects.filter(account=self.account, next_try_at__isnull=False).update(next_try_at=timezone.now())
        Gap.objects.filter(folder__account=self.account).update(next_try_at=timezone.now())
        self.pending().update(next_try_at=timezone.now())

    @rule()
    def consume(self) -> None:
        """A consumer of the change log applies what it does not know yet."""
        self.sound = False
        self.reader.catch_up()
        self.sound = True

    @rule(budget=BUDGETS, thorough=st.booleans())
    def sync(self, budget: timedelta, thorough: bool) -> None:
        """A turn without trouble."""
        moves = self.pending().exclude(kind="flags")
        moved = moves.exists()
        result = self._turn(Trouble(), budget=budget, thorough=thorough)
        assert result is not None
        # What rests is seen as done; what was moved at the end of a turn is seen by the next one.
        if not (result.error or result.more or result.failing or gaps(self.account) or moved or moves.exists()):
            told = thorough or self.strategy != "full"
            self._compare(flags=told and not self.pending().exists())

    @rule(faults=FAULTS, meanwhile=st.dictionaries(_COMMAND, CHANGES, max_size=2), budget=BUDGETS)
    def sync_in_trouble(self, faults: dict[str, Any], meanwhile: dict[int, Change], budget: timedelta) -> None:
        """A turn during which the server fails, or others change the mailbox, or both."""
        self._turn(Trouble(**faults, before=self._meanwhile(meanwhile)), budget=budget)

    @rule(death=DEATHS, meanwhile=st.dictionaries(_COMMAND, CHANGES, max_size=1), budget=BUDGETS)
    def sync_and_die(self, death: Death, meanwhile: dict[int, Change], budget: timedelta) -> None:
        """A turn whose worker is killed at a step; its lease runs out."""
        self.dies(death, self._meanwhile(meanwhile), budget=budget)

    def dies(self, death: Death, happens: Callable[[int], None] = lambda _number: None, **options: timedelta) -> bool:
        """Whether the turn came to that step."""
        worker = Worker(death)

        def step(kind: str) -> None:
            try:
                worker.step(kind)
            except Killed:
                raise LineBroken from None

        def before(number: int) -> None:
            happens(number)
            step("command")

        self._turn(Trouble(before=before, after=lambda _number: step("answered")), worker=worker, **options)
        return worker.dead

    @rule(at=_COMMAND, change=CHANGES)
    def sync_by_two(self, at: int, change: Change) -> None:
        """A worker is held up at a command until its lease runs out; another syncs, then the first goes on."""
        after: list[Any] = []

        def before(number: int) -> None:
            if number == at:
                self._expire_lease()
                self._happens(change)
                after.append(self._overtake())
                connections.close_all()
                self.words.begin()  # what the first still does is not what was asked for

        def ended(number: int) -> None:
            if number == at:
                self.words.end()

        try:
            self._turn(Trouble(before=before, after=ended))
        except LeaseLost:
            assert after, "a lease was lost that nobody took"
        else:
            assert not after, "a worker whose lease was taken did not notice"
        self._note_missed()
        assert not after or self._written() == after[0], "a worker wrote without a lease"

    def _happens(self, change: Change) -> None:
        with self.words.others():
            change.apply(self.mailbox)
        self._note_missed()

    def teardown(self) -> None:
        """Once the trouble is over one turn makes the mirror whole, and another finds nothing to do."""
        with self.stack:
            if self.sound:
                self.server.withheld.clear()
                self._carry_out()
                for _ in range(1 + self._enough()):
                    self.time_passes()
                    assert self._turn(Trouble()) == Result()
                assert not self.pending().exists()
                assert (broken := self.words.broken(self.how_ended)) == [], "\n".join(broken)
                self._compare()
                self._rest()
                assert audit.run(self.account) == []
                self.reader.catch_up()
                assert self.reader.cursor == changes.latest(self.account.id)
                assert self.reader.objects == self.reader.listed()
                self._check_deletions()

    def _carry_out(self) -> None:
        """Turns until every change that was made here has ended; what fails is not tried for hours."""
        for number in range(12):
            if number > 3:
                self.pending().update(created_at=timezone.now() - timedelta(hours=7))
            self.time_passes()
            result = self._turn(Trouble())
            assert result is not None
            assert (result.error, result.failing) == (None, 0)
        assert not Action.objects.filter(account=self.account, state="failed", error="").exists()

    def _turn(self, trouble: Trouble, *, worker: Worker | None = None, **options: Any) -> Result | None:
        """One turn; None if the worker died."""
        self.sound = False
        worker = worker or Worker(None)
        result = None
        try:
            with self.server.troubled(trouble), worker.alive():
                result = sync_account(self.account.id, lease.claim(self.account.id), **options)
        finally:
            if worker.dead:
                self._expire_lease()
            else:
                assert not Account.objects.exclude(lease_token=None).exists(), "the lease was not given back"
        self.sound = True
        return result

    def _enough(self) -> int:
        """Turns until every flag was looked at: windows of older mail wander."""
        most = max(len(folder.copies) for folder in self.mailbox.selectable)
        return 1 + (most + WINDOW - 1) // WINDOW if self.strategy == "full" else 1

    def _overtake(self) -> Any:
        """Another worker's turn, without trouble; what is written then."""
        self.server.relieve()
        sync_account(self.account.id, lease.claim(self.account.id))
        return self._written()

    def _written(self) -> Any:
        """What no turn leaves as it was, if it writes."""
        folders = Folder.objects.filter(account=self.account).order_by("id")
        return changes.latest(self.account.id), list(folders.values())

    def _meanwhile(self, happens: dict[int, Change]) -> Callable[[int], None]:
        def before(number: int) -> None:
            if number in happens:
                self._happens(happens[number])

        return before

    def _expire_lease(self) -> None:
        Account.objects.filter(id=self.account.id).update(lease_expires_at=timezone.now() - timedelta(seconds=1))

    def _note_missed(self) -> None:
        missed = {*self.mailbox.mails} - self.mailbox.held()
        self.missed |= {self.identity(mail) for mail in missed}

    def _compare(self, *, flags: bool = True) -> None:
        """`flags`: all of them are to be current."""
        expected = of_model(self.mailbox, self.identity)
        found = of_mirror(self.account, self.refused(), self.named)
        if not flags:
            expected, found = without_flags(expected), without_flags(found)
        assert not (wrong := differences(expected, found)), "\n".join(wrong)

    def _rest(self) -> None:
        """Turns that find nothing new: nothing is written or fetched, and each costs the same."""
        seq, heard = changes.latest(self.account.id), []
        for _ in range(2):
            assert self._turn(Trouble()) == Result()
            heard.append(sorted(repr(command[:2]) for command in self.server.heard))
            assert "BODY" not in repr(self.server.heard)
        assert heard[0] == heard[1]
        assert self.strategy == "full" or "EXAMINE" not in repr(heard)
        assert changes.latest(self.account.id) == seq

    def _check_deletions(self) -> None:
        """A message that never left the mailbox never leaves the mirror, whatever moved or was numbered anew."""
        deleted = Transaction.objects.filter(account=self.account, object_type="message", kind="deleted")
        made = {mail for mail in self.mailbox.mails if mail.digest in self.made}
        twice = {identity(self.account, mail, object_ids=named) for mail in made for named in (True, False)}
        assert set(deleted.values_list("object_id", flat=True)) <= self.missed | twice
