"""What a sync costs must not grow with the mailbox: the same small events at 10,000 and at 1,000,000 messages."""

import itertools
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict

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
message, a flag, or {expunged:,} expunges anywhere in it. Medians of {turns} turns each, of {expunges} for expunges,
counted as above. The ratio is the worst of three: worker CPU, statements, round trips. In the end the mirror has to
hold the places and flags that the server has.

{figures}"""

Event = Callable[[Numbers], None]


def measure(stand: Stand) -> Outcome:
    """Every event at both sizes."""
    small, large = stand.scaled(SMALL), stand.scaled(LARGE)
    found = {messages: _events(stand, messages) for messages in (small, large)}
    ratios = {event: _ratio(found[small][event], found[large][event]) for event in found[small]}
    judged = [
        Judged(f"{event}: {large:,} messages against {small:,}", GOAL, ratio, " x") for event, ratio in ratios.items()
    ]
    text = _TEXT.format(
        small=small,
        large=large,
        expunged=stand.scaled(EXPUNGED),
        turns=stand.scaled(TURNS),
        expunges=EXPUNGES,
        figures=_table(found),
    )
    data = {str(size): {event: asdict(turn) for event, turn in turns.items()} for size, turns in found.items()}
    return Outcome(TITLE, judged, text, data)


def _events(stand: Stand, messages: int) -> dict[str, Turn]:
    """The median turn of each event."""
    chance = random.Random(messages)
    uids = iter(chance.sample(range(1, messages + 1), stand.scaled(TURNS) + EXPUNGES * stand.scaled(EXPUNGED)))
    new = mails.mails(stand.scaled(TURNS))
    many = stand.scaled(EXPUNGED)
    happen: list[tuple[str, int, Event]] = [
        ("nothing changed", stand.scaled(TURNS), lambda _numbers: None),
        ("one new message", stand.scaled(TURNS), lambda numbers: _deliver(numbers, next(new))),
        ("one flag", stand.scaled(TURNS), lambda numbers: numbers.flag(next(uids), rb"\Flagged \Seen")),
        (f"{many:,} expunges", EXPUNGES, lambda numbers: numbers.expunge(list(itertools.islice(uids, many)))),
    ]
    turns: dict[str, Turn] = {}
    numbers = Numbers(messages)
    with _loaded(stand, numbers) as turn:
        for name, count, event in happen:
            with stand.bar(f"{messages:,} messages, {name}", count) as told:
                made = []
                for number in range(1, count + 1):
                    event(numbers)
                    made.append(turn())
                    told(number)
            turns[name] = middle(made)
    return turns


@contextmanager
def _loaded(stand: Stand, numbers: Numbers) -> Iterator[Callable[[], Turn]]:
    """A farm that knows these numbers; what makes it take a turn."""
    messages = numbers.exists
    with (
        NumberedServer(numbers) as server,
        CountingRelay(server.port) as relay,
        stand.farm(log_statements=True) as farm,
        Turns(farm.environment(), relay, farm.statements(), farm.directory / "turns.log") as worker,
    ):
        (account,) = farm.connect([Mailbox("numbered", messages, 0, "")], relay.port)
        with stand.bar(f"{messages:,} messages loaded", messages):
            farm.step("load", account, str(messages))
        worker.make(account)  # the first one learns what the server is called
        yield lambda: worker.make(account)
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


def _deliver(numbers: Numbers, mail: mails.BenchMail) -> None:
    numbers.deliver(mail.raw, mail.received_at)


def _ratio(small: Turn, large: Turn) -> float:
    """The worst of CPU, statements and round trips."""
    return max(large.cpu / small.cpu, large.statements / small.statements, large.round_trips / small.round_trips)


def _table(found: dict[int, dict[str, Turn]]) -> str:
    small, large = found
    rows = []
    for event in found[small]:
        rows += [_row(f"{event}, {size:,}", found[size][event]) for size in found]
        rows.append([f"{event}: ratio", f"{_ratio(found[small][event], found[large][event]):.2f}", *[""] * 5])
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
