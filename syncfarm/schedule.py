"""Beat's few entries. The schedule of each account is Account.next_sync_at; beat only ticks."""

from dataclasses import dataclass

from django_celery_beat.models import IntervalSchedule, PeriodicTask


@dataclass(frozen=True, slots=True)
class Entry:
    """A tick. One that no worker took within `expires` seconds is void, so that ticks never pile up."""

    task: str
    every: int
    expires: int
    description: str


ENTRIES = (
    Entry("syncfarm.dispatch", 1, 5, "Claims accounts whose sync is due and hands them to the workers."),
    Entry("syncfarm.index", 5, 5, "Brings the search index up to the change log."),
    Entry("syncfarm.upkeep", 60, 60, "Expires what is old and deletes removed accounts' data."),
    Entry("syncfarm.repack", 60, 60, "Packs raw mail anew where most of a pack is waste, or packs are small."),
)


def ensure() -> None:
    """Create what is missing. What an operator changed in the admin stays as it is."""
    for entry in ENTRIES:
        interval, _ = IntervalSchedule.objects.get_or_create(every=entry.every, period=IntervalSchedule.SECONDS)
        PeriodicTask.objects.get_or_create(
            name=entry.task.rpartition(".")[2],
            defaults={
                "task": entry.task,
                "interval": interval,
                "expire_seconds": entry.expires,
                "description": entry.description,
            },
        )
