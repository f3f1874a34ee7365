"""Whatever happens to a mailbox, its server, the line and the workers: once it is over, one turn makes the mirror whole, a
second plans nothing, and a consumer of the change log has what a fresh listing has.

A short run by default, the same each time. SYNCFARM_LAWS=2000 makes so many examples for each strategy, other ones each
time: SYNCFARM_LAWS=2000 pytest tests/laws/test_laws.py -k qresync
"""

import os
from collections.abc import Iterator
from functools import partial
from importlib import import_module

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test
from pytest_django import Settings

from mail.mirror import TURN
from tests.integration.guard import guarded_log
from tests.laws.death import STEPS, Death
from tests.laws.machine import WINDOW, Mirroring
from tests.laws.mailing import Change
from tests.laws.manner import OFFERED, Manner

LONG = int(os.environ.get("SYNCFARM_LAWS", "0"))
SETTINGS = settings(
    max_examples=LONG or 5,
    stateful_step_count=25 if LONG else 10,
    derandomize=not LONG,
    database=None,
    deadline=None,
    print_blob=True,
    report_multiple_bugs=False,
    # A short run is to end in seconds also when it fails.
    phases=[Phase.explicit, Phase.reuse, Phase.generate, *([Phase.shrink] if LONG and "SHRINK" in os.environ else [])],
    # An example talks to PostgreSQL and over sockets: what is slow for Hypothesis is what is tested here.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# What happens to a mailbox between two turns.
_AN_HOUR = [
    Change("append", flags=frozenset({"\\Seen"})),
    Change("move", to=1, which=2),
    Change("flag", which=1, flags=frozenset({"\\Flagged"})),
    Change("reply", where=1, which=1),
    Change("copy", where=1, which=3),
    Change("expunge", where=1, which=0),
]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(0 if LONG else 600)]


@pytest.fixture(autouse=True)
def _small(settings: Settings, transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Batches and windows so small that every mailbox has several, and no clock but the machine's."""
    settings.SYNCFARM_TRUSTED_HOSTS = ["127.0.0.1"]
    monkeypatch.setattr("mail.sync.schedule.RETRY_FIRST", 1800)  # backoffs last until the machine says that time passed
    monkeypatch.setattr("mail.sync.visit.BATCH_MESSAGES", 2)
    monkeypatch.setattr(import_module("mail.mirror.visit"), "FLAGS_WINDOW", WINDOW)
    with guarded_log():
        yield


@pytest.mark.parametrize("strategy", OFFERED)
def test_the_mirror_converges_whatever_happens(strategy: str) -> None:
    # Any factory will do, as the function's own documentation says.
    run_state_machine_as_test(partial(Mirroring, strategy), settings=SETTINGS)  # type: ignore[arg-type] # see above


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("strategy", OFFERED)
def test_a_worker_may_die_at_every_step(strategy: str, step: str) -> None:
    state = Mirroring(strategy)
    state.connect(Manner(), one_uidvalidity=False, ids_by_content=False, before=[])
    stride = (1 if LONG else 3) if step != "statement" else (3 if LONG else 14)  # statements are many
    try:
        after = 0
        while state.dies(Death(step, after)):
            state.sync(TURN, thorough=False)
            state.change(_AN_HOUR if after % 5 else [*_AN_HOUR, Change("reset", which=1)])
            state.time_passes()
            state.mark(after, unread=bool(after % 2), starred=None)
            after += stride
        assert after > 3
    finally:
        state.teardown()
