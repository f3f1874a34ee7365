"""Initial sync of one mailbox, in turn with mbsync, OfflineIMAP and a bare socket."""

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

from bench import profiling
from bench.mailbox import Mailbox
from bench.outcome import Judged, Outcome, table
from bench.peers import bare, mbsync, offlineimap
from bench.peers.bare import Drained
from bench.stand import Stand
from bench.watching import Cost

TITLE = "Initial sync"
MESSAGES = 20_000
SAMPLE = 500  # messages whose bytes are compared
SLOW_RUNS = 1  # of OfflineIMAP, which takes minutes for each

_TEXT = """\
One INBOX of {messages:,} messages ({size:.0f} MB) on a Dovecot on the same machine, generated, the same at every run:
plain text, newsletters in HTML, attachments up to 4 MB, conversations, encoded headers, several charsets. **Syncfarm**
mirrors it with one process as a worker's (gevent, a pool of database connections) into an empty PostgreSQL that syncs
every commit to disk, as in a farm: messages read, threads assigned, raw MIME kept, every change in the log. **mbsync**
and **offlineimap** copy it to an empty Maildir on the same disk with their own defaults (they, too, sync to disk). The
**bare socket** asks for all flags and bodies in one command and throws away what it hears: the wire's limit. They take
turns; the last lines are medians.

{runs}

{remarks}

Seconds count from the moment when the worker's code is loaded, for a farm's worker runs already, to the last commit;
for mbsync and offlineimap from start to end; for the bare socket from the command to its answer's end. CPU is user and
system time of that one process, MB/s are of raw mail, memory is the peak. PostgreSQL's CPU is that of all its
processes. The search index is filled behind the sync and is not part of this. After each run another IMAP client
compares every UID and its flags with the mirror; every message is listed over REST, each in a thread; {sample} are read
over REST as raw MIME and compared byte by byte; the change log is checked for holes. Of a Maildir the messages are
counted. What is wrong ends the benchmark."""


@dataclass(frozen=True, slots=True)
class Run:
    """Seconds and CPU seconds of the worker, its peak bytes, PostgreSQL's CPU seconds and bytes on disk."""

    wall: float
    cpu: float
    memory: int
    postgres_cpu: float
    database: int


@dataclass(frozen=True, slots=True)
class Found:
    """Every run."""

    mailbox: Mailbox
    ours: list[Run] = field(default_factory=list)
    peers: dict[str, list[Cost]] = field(default_factory=dict)
    drained: list[Drained] = field(default_factory=list)


def measure(stand: Stand) -> Outcome:
    """All sides in turn."""
    box = stand.mailbox(stand.messages or stand.scaled(MESSAGES))
    found = Found(box)
    for number in range(1, stand.runs + 1):
        found.ours.append(ours(stand, box, f"Syncfarm, run {number} of {stand.runs}"))
        with stand.bar(f"Bare socket, run {number} of {stand.runs}", box.messages) as told:
            found.drained.append(bare.fetch(stand.server, box, told))
        for peer, runs in ((mbsync, stand.runs), (offlineimap, min(SLOW_RUNS, stand.runs))):
            if peer.version() and number <= runs:
                with stand.bar(f"{peer.NAME}, run {number} of {runs}", box.messages) as told:
                    cost = peer.copy(stand.server, box, stand.directory / "maildir", told)
                found.peers.setdefault(peer.NAME, []).append(cost)
    return Outcome(TITLE, stand.medians, _judged(found), _text(found), asdict(found))


def ours(stand: Stand, box: Mailbox, description: str, recorder: tuple[str, ...] = ()) -> Run:
    """Mirror and verify. `recorder`: a command that runs the worker, such as a profiler's; then on a plain thread, for
    among greenlets waiting happens where no profiler sees who waits."""
    with stand.farm() as farm, farm.database() as database, stand.bar(description, box.messages) as told:
        accounts = farm.connect([box], stand.server.port)
        before = farm.postgres_cpu()
        told_us, cost = farm.step(
            "initial", accounts[0], tick=lambda: told(database.mirrored()), prefix=recorder, as_worker=not recorder
        )
        spent, size = farm.postgres_cpu() - before, database.size()
        farm.verify(accounts, [box], stand.server.port, SAMPLE)
    return Run(told_us["wall"], told_us["cpu"], cost.memory, spent, size)


def profile(stand: Stand, kind: str) -> str:
    """One initial sync under the profiler; where its time went. `kind`: wall or cpu."""
    box = stand.mailbox(stand.messages or stand.scaled(MESSAGES))
    folded = stand.directory / "profile.folded"
    ours(stand, box, f"Syncfarm under py-spy ({kind})", profiling.recorder(folded, kind))
    return profiling.table(folded, kind)


def _judged(found: Found) -> list[Judged]:
    wall = median(run.wall for run in found.ours)
    goals = {mbsync.NAME: 1 / 3, offlineimap.NAME: 1 / 20}
    against = [
        Judged(f"initial sync: share of {name}'s time", goals[name] * 100, wall / _wall(costs) * 100, " %")
        for name, costs in found.peers.items()
    ]
    share = _wall(found.drained) / wall * 100
    return [*against, Judged("initial sync: share of the bare socket's rate", 20, share, " %", at_most=False)]


def _text(found: Found) -> str:
    sample = min(SAMPLE, found.mailbox.messages)
    return _TEXT.format(
        messages=found.mailbox.messages,
        size=found.mailbox.size / 1e6,
        runs=_runs(found),
        remarks=_remarks(found),
        sample=sample,
    )


def _runs(found: Found) -> str:
    sides: list[tuple[str, list[Any]]] = [
        ("Syncfarm", found.ours),
        *found.peers.items(),
        ("bare socket", found.drained),
    ]
    rows = [
        _row(found, f"{name}, run {number}", run) for name, runs in sides for number, run in enumerate(runs, start=1)
    ]
    rows += [_row(found, f"**{name}**", _middle(runs)) for name, runs in sides]
    names = ("", "seconds", "messages/s", "MB/s", "CPU s", "CPU ms/message", "peak memory", "PostgreSQL CPU s")
    return table(names, rows)


def _row(found: Found, name: str, run: Any) -> list[str]:
    cells = [name, f"{run.wall:.1f}", f"{found.mailbox.messages / run.wall:,.0f}"]
    cells.append(f"{found.mailbox.size / run.wall / 1e6:.1f}")
    if isinstance(run, Drained):
        return [*cells, "", "", "", ""]
    cells += [f"{run.cpu:.1f}", f"{run.cpu / found.mailbox.messages * 1000:.2f}", f"{run.memory / 2**20:.0f} MB"]
    return [*cells, f"{run.postgres_cpu:.1f}" if isinstance(run, Run) else ""]


def _middle(runs: list[Any]) -> Any:
    """The median of each figure."""
    kind = type(runs[0])
    return kind(*(median(getattr(run, name) for run in runs) for name in kind.__slots__))


def _remarks(found: Found) -> str:
    wall = median(run.wall for run in found.ours)
    said = [f"{name} takes {_wall(costs) / wall:.2f} times as long as Syncfarm." for name, costs in found.peers.items()]
    said += [
        f"{peer.NAME} was not installed (Debian: {peer.PACKAGE}), so it is missing here."
        for peer in (mbsync, offlineimap)
        if peer.NAME not in found.peers
    ]
    slow = found.peers.get(offlineimap.NAME, ())
    if 0 < len(slow) < len(found.ours):
        said.append(f"offlineimap is slow, so it ran {len(slow)} time{'s' * (len(slow) > 1)} only.")
    database = median(run.database for run in found.ours) / 1e6
    return " ".join([*said, f"The database holds {database:.0f} MB after the sync, indexes included."])


def _wall(runs: "list[Cost] | list[Drained]") -> float:
    return median(run.wall for run in runs)
