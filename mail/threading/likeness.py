"""Replies that name no message: joined with an original of the same subject among the same people.

The rule holds between any two messages, whichever arrived first, so that the order of arrival does not matter: the
later one is a reply by its subject's prefix and has no references, the subjects are equal, they are at most WINDOW_DAYS
apart, and they share two people, or everybody where one of them has fewer. "Invoice" twice is two conversations:
neither is a reply.
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from uuid import UUID

from mail.types import SubjectCandidate

# Most replies come within a few days; holidays of two weeks still fit. Longer, and monthly mails would join.
WINDOW_DAYS = 14
# So many messages of one subject within the windows are a program's ("Re: Alarm"), not a conversation, and comparing
# each with each would take quadratic time.
MANY = 500


def pairs(messages: Iterable[SubjectCandidate]) -> Iterator[tuple[UUID, UUID]]:
    """Threads that belong together because a message of one answers a message of the other, by the rule above."""
    subjects: dict[int, list[SubjectCandidate]] = {}
    for message in messages:
        subjects.setdefault(message.subject_key, []).append(message)
    for alike in subjects.values():
        if 1 < len(alike) <= MANY:
            yield from _answers(sorted(alike, key=lambda message: message.received_at))


def _answers(alike: list[SubjectCandidate]) -> Iterator[tuple[UUID, UUID]]:
    """The pairs among messages of one subject, oldest first."""
    window = timedelta(days=WINDOW_DAYS)
    for reply in alike:
        if not reply.is_reply or reply.has_references:
            continue
        for original in alike:
            if original.received_at > reply.received_at:
                break
            if (
                original is not reply
                and reply.received_at - original.received_at <= window
                and _related(original, reply)
            ):
                yield original.thread, reply.thread


def _related(one: SubjectCandidate, other: SubjectCandidate) -> bool:
    """Do they share two people, or all of the one that has fewer?"""
    needed = min(2, len(one.participants), len(other.participants))
    return needed > 0 and len(one.participants & other.participants) >= needed
