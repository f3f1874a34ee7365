"""What a sync costs must not grow with the mailbox: the same small events at 10,000 and at 1,000,000 messages."""

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from itertools import islice

from bench import mails
from bench.farm import Farm
from bench.mailbox import Mailbox
from bench.numbered import NumberedServer, Numbers
from bench.outcome import Judged, Outcome, table
from bench.relay import CountingRelay
from bench.stand import Stand
from bench.turns import Turn, Turns, middle
from bench.watching import RunFailed

TITLE = "Costs that do not grow"
SMALL, LARGE = 10_000, 1_000_000
TURNS = 20
EXPUNGED = 1_000
EXPUNGES = 5  # turns, each of EXPUNGED
GOAL = 1.2

_TEXT = """\
One INBOX of {small:,} and one of {large:,} messages, each in a database of its own. Their rows are loaded in bulk
(messages, places, threads, links; no raw mail and no bodies, which these syncs do not read), and a server of the
benchmark's own says what fits them, with QRESYNC. Between two turns one thing happens to the mailbox: nothing, a new
message, a flag, or {expunged:,} expunges anywhere in it; the two mailboxes take turns. Of expunges there are
{expunges} turns. All is counted as above. The ratio is the worst of three: worker CPU, statements, round trips. In the
end the mirror has to hold the places and flags that the server has.

{figures}"""


@dataclass(frozen=True, slots=True)
class Side:
    """A mailbox of one size, its mirror, and what is still to happen to it."""

    numbers: Numbers
    new: Iterator[mails.BenchMail]
    uids: Iterator[int]  # no UID twice
    turn: Callable[[], Turn]


def measure(stand: Stand) -> Outcome:
    """Every event at both sizes, in turn."""
    sizes = stand.scaled(SMALL), stand.scaled(LARGE)
    with ExitStack() as stack:
        sides = [stack.enter_context(_side(stand, messages)) for messages in sizes]
        found = {
            name: _both(stand, f"{name}, {sizes[0]:,} and {sizes[1]:,}", sides, event, count)
            for name, event, count in _events(stand)
        }
    judged = [
        Judged(f"{name}: {sizes[1]:,} messages against {sizes[0]:,}", GOAL, _ratio(*turns), " x")
        for name, turns in found.items()
    ]
    expunged = stand.scaled(EXPUNGED)
    figures = _table(sizes, found)
    text = _TEXT.format(small=sizes[0], large=sizes[1], expunged=expunged, expunges=EXPUNGES, figures=figures)
    data = {name: [asdict(turn) for turn in turns] for name, turns in found.items()}
    return Outcome(TITLE, f"{stand.scaled(TURNS)} turns", judged, text, data)


def _events(stand: Stand) -> list[tuple[str, Callable[[Side], None], int]]:
    """What happens between two turns, and how often."""
    turns, many = stand.scaled(TURNS), stand.scaled(EXPUNGED)
    return [
        ("nothing changed", lambda _side: None, turns),
        ("one new message", lambda side: side.numbers.deliver(next(side.new)), turns),
        ("one flag", lambda side: side.numbers.flag(next(side.uids), rb"\Flagged \Seen"), turns),
        (f"{many:,} expunges", lambda side: side.numbers.expunge(list(islice(side.uids, many))), EXPUNGES),
    ]


def _both(
    stand: Stand, description: str, sides: Sequence[Side], event: Callable[[Side], None], count: int
) -> tuple[Turn, ...]:
    """The median turn of each side."""
    made: list[list[Turn]] = [[] for _ in sides]
    with stand.bar(description, count) as told:
        for number in range(1, count + 1):
            for side, turns in zip(sides, made, strict=True):
                event(side)
                turns.append(side.turn())
            told(number)
    return tuple(middle(turns) for turns in made)


@contextmanager
def _side(stand: Stand, messages: int) -> Iterator[Side]:
    """A farm that knows so many messages."""
    numbers, happening = Numbers(messages), stand.scaled(TURNS) + EXPUNGES * stand.scaled(EXPUNGED)
    uids = random.Random(messages).sample(range(1, messages + 1), happening)
    with (
        NumberedServer(numbers) as server,
        CountingRelay(server.port) as relay,
        stand.farm(f"farm-{messages}", log_statements=True) as farm,
        Turns(farm.environment(as_worker=True), relay, farm.statements(), farm.directory / "turns.log") as worker,
    ):
        (account,) = farm.connect([Mailbox("numbered", messages, 0, "")], relay.port)
        with stand.bar(f"{messages:,} messages loaded", messages):
            farm.step("load", account, str(messages))
        worker.make(account)  # the first one learns how the server describes its folder
        yield Side(numbers, mails.mails(stand.scaled(TURNS)), iter(uids), lambda: worker.make(account))
        _check(farm, numbers)


def _check(farm: Farm, numbers: Numbers) -> None:
    """Raises RunFailed."""
    with farm.database() as database:
        places = database.one("SELECT count(*) FROM mail_location")
        messages = database.one("SELECT count(*) FROM mail_message")
        flagged = database.one(r"SELECT count(*) FROM mail_location WHERE '\Flagged' = ANY(flags)")
    if (places, messages, flagged) != (numbers.exists, numbers.exists, numbers.flagged):
        raise RunFailed(
            f"{numbers.exists:,} messages on the server, {numbers.flagged} flagged; mirrored are {messages:,} "
            f"in {places:,} places, {flagged} flagged"
        )


def _ratio(small: Turn, large: Turn) -> float:
    """The worst of CPU, statements and round trips."""
    return max(large.cpu / small.cpu, large.statements / small.statements, large.round_trips / small.round_trips)


def _table(sizes: Sequence[int], found: Mapping[str, Sequence[Turn]]) -> str:
    rows = []
    for event, turns in found.items():
        rows += [_row(f"{event}, {size:,}", turn) for size, turn in zip(sizes, turns, strict=True)]
        rows.append([f"{event}: ratio", f"{_ratio(*turns):.2f}", *[""] * 5])
    names = ("", "worker CPU", "time", "round trips", "octets", "statements", "BEGIN, COMMIT")
    return table(names, rows)


def _row(name: str, turn: Turn) -> list[str]:
    return [
        name,
        f"{turn.cpu * 1000:.1f} ms",
        f"{turn.wall * 1000:.0f} ms",
        f"{turn.round_trips:.0f}",
        f"{turn.octets:,.0f}",
        f"{turn.statements:.0f}",
        f"{turn.frames:.0f}",
    ]
