"""Many accounts become due at the same time; workers of the farm's own mirror them all."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from bench.mailbox import Mailbox
from bench.stand import Stand
from bench.workers import Workers


@dataclass(frozen=True, slots=True)
class Rush:
    """Seconds until all were whole. Of the workers: CPU seconds together, peak bytes of the largest, most connections
    to the database of one, most to the mail server at once."""

    wall: float
    cpu: float
    postgres_cpu: float
    memory: float
    connections: float
    sessions: float


def rushes(stand: Stand, boxes: Sequence[Mailbox], workers: int, sample: int) -> list[Rush]:
    """As many as the stand's runs, each on an empty farm and verified."""
    return [_rush(stand, boxes, workers, sample, f"run {number + 1} of {stand.runs}") for number in range(stand.runs)]


def middle(runs: Sequence[Rush]) -> Rush:
    """The median of each figure."""
    return Rush(*(median(getattr(run, name) for run in runs) for name in Rush.__slots__))


def _rush(stand: Stand, boxes: Sequence[Mailbox], count: int, sample: int, run: str) -> Rush:
    total = sum(box.messages for box in boxes)
    description = f"{len(boxes)} accounts, {count} worker{'s' * (count > 1)}, {run}"
    with stand.brokered_farm() as farm:
        accounts = farm.connect(boxes, stand.server.port)
        with Workers(farm, count, stand.server.port) as workers, farm.database() as database:
            before = farm.postgres_cpu()
            with stand.bar(description, total) as told:

                def look() -> None:
                    workers.check()
                    told(database.mirrored())

                wall, _cost = farm.step("dispatched", tick=look)
            found = Rush(
                wall,
                workers.cpu(),
                farm.postgres_cpu() - before,
                workers.peak_memory(),
                workers.connections,
                workers.sessions,
            )
        with stand.bar("… compared with the server", len(boxes)):
            farm.verify(accounts, boxes, stand.server.port, sample)
    return found
