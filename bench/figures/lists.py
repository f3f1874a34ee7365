"""Lists: how many of fifty messages with bodies a core answers, and that no list costs more in a larger mailbox."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from bench import sought
from bench.asking import Load, Side, Sides
from bench.mailbox import Mailbox
from bench.outcome import Judged, Outcome, table
from bench.stand import Stand
from bench.web import Web

TITLE = "Lists"
SMALL, LARGE = 10_000, 1_000_000
TURNS = 15  # of every list, each at both sizes
ROUNDS = 5  # of answers a second
ALONE = 60  # answers
SECONDS, CLIENTS = 4, 3
RATE, P50, RATIO = 150, 25, 1.3

_TEXT = """\
One account of {small:,} and one of {large:,} messages in one database: several folders, conversations, flags, and
bodies of {body:,} characters of HTML in the median, made already. One web process, started by the
Procfile's own command, over PostgreSQL as a farm has it; clients on the same machine keep their connections.

A list of 50 messages with bodies ({octets:,.0f} kB), {clients} clients at once, and alone, one request after the other;
the round in the middle of {rounds}, after PostgreSQL has ended its own work on what was loaded:

{rates}

Every list at both sizes, in turn, medians of {turns}. What is common is a share of all messages; what is rare is
{rare} messages at any size, all over it, so that neither size has fewer to show. The machine's other work is in these
figures: the load was {machine}.

{figures}"""


@dataclass(frozen=True, slots=True)
class Pair:
    """Seconds of one list at both sizes."""

    small: float
    large: float

    @property
    def ratio(self) -> float:
        """How much more the large mailbox costs; 1 where it costs less."""
        return max(1.0, self.large / self.small)


def measure(stand: Stand) -> Outcome:
    """Fill, warm up, ask."""
    sizes = stand.scaled(SMALL), stand.scaled(LARGE)
    with stand.farm("farm-lists") as farm:
        accounts = farm.connect([Mailbox(name, 0, 0, "") for name in ("small", "large")], 1)
        with stand.bar(f"{sizes[0]:,} and {sizes[1]:,} messages loaded", 1):
            pairs = sorted(zip(accounts, sizes, strict=True), key=lambda pair: -pair[1])
            key, _cost = farm.step("fill", *(f"{account}/{size}" for account, size in pairs))
        with Web(farm.environment(), farm.directory / "web.log") as web, farm.database() as database:
            database.rest()
            sides = Sides(web, str(key), farm.postgres_cpu)
            both = [Side.of(database, account) for account in accounts]
            with stand.bar("answers a second", 2):
                paths = [side.path("messages") for side in both]
                octets = len(sides.get(paths[0]))
                loads = {
                    "together": _median([sides.load(paths, stand.scaled(SECONDS), CLIENTS) for _ in range(ROUNDS)]),
                    "alone": _median([sides.alone(paths, stand.scaled(ALONE)) for _ in range(ROUNDS)]),
                }
            found = dict(_lists(stand, sides, both))
    judged = [
        Judged("list of 50 messages with bodies", RATE, loads["together"].per_core, "/s a core", at_most=False),
        Judged("list of 50 messages with bodies, alone: p50", P50, loads["alone"].p50 * 1000, " ms"),
        *(
            Judged(f"lists of {kind}, the worst: {sizes[1]:,} messages against {sizes[0]:,}", RATIO, worst, " x")
            for kind, worst in _worst(found).items()
        ),
    ]
    text = _TEXT.format(
        small=sizes[0], large=sizes[1], body=sought.BODY, octets=octets / 1000, clients=CLIENTS, rounds=ROUNDS,
        rates=_rates(loads), turns=stand.scaled(TURNS), rare=sought.RARE, machine=sides.machine_load(),
        figures=_table(sizes, found),
    )  # fmt: skip
    data = {name: asdict(load) for name, load in loads.items()} | {name: asdict(pair) for name, pair in found.items()}
    return Outcome(TITLE, f"{stand.scaled(TURNS)} turns", judged, text, data)


def _median(loads: Sequence[Load]) -> Load:
    """The one in the middle by what an answer took."""
    return sorted(loads, key=lambda load: load.per_core)[len(loads) // 2]


def _lists(stand: Stand, sides: Sides, both: Sequence[Side]) -> Iterator[tuple[str, Pair]]:
    """The median of every list at both sizes."""
    queries = [side.queries(sides) for side in both]
    with stand.bar("lists of both sizes", len(queries[0])) as told:
        for number, name in enumerate(queries[0], start=1):
            paths = [each[name] for each in queries]
            for path in paths:
                sides.timed(path)  # what is read from disk once is not the list's cost
            turns = [[sides.timed(path) for path in paths] for _ in range(stand.scaled(TURNS))]
            yield name, Pair(*(median(times) for times in zip(*turns, strict=True)))
            told(number)


def _worst(found: Mapping[str, Pair]) -> dict[str, float]:
    kinds = ("messages", "threads", "folders")
    return {kind: max(pair.ratio for name, pair in found.items() if name.startswith(kind)) for kind in kinds}


def _rates(loads: Mapping[str, Load]) -> str:
    names = ("", "answers/s", "web CPU", "PostgreSQL CPU", "answers/s a core of both", "p50", "p99")
    rows = [
        [
            name,
            f"{load.rate:.0f}",
            f"{load.web * 1000:.1f} ms",
            f"{load.postgres * 1000:.1f} ms",
            f"{load.per_core:.0f}",
            f"{load.p50 * 1000:.1f} ms",
            f"{load.p99 * 1000:.1f} ms",
        ]
        for name, load in loads.items()
    ]
    return table(names, rows)


def _table(sizes: Sequence[int], found: Mapping[str, Pair]) -> str:
    rows = [
        [name, f"{pair.small * 1000:.1f} ms", f"{pair.large * 1000:.1f} ms", f"{pair.large / pair.small:.2f}"]
        for name, pair in found.items()
    ]
    return table(("", *(f"{size:,}" for size in sizes), "ratio"), rows)
