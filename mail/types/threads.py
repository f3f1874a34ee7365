"""What threading is asked and what it answers."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


class ThreadInput(NamedTuple):
    """What threading needs of a new message."""

    message: uuid.UUID
    header_id: str
    references: tuple[str, ...]
    subject: str
    participants: frozenset[str]  # lower-case addresses of from, to and cc
    received_at: datetime
    provider_key: str = ""


class SubjectCandidate(NamedTuple):
    """A mirrored message with the subject key of a new one."""

    thread: uuid.UUID
    subject_key: int
    is_reply: bool
    has_references: bool
    participants: frozenset[str]
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Assignment:
    """Threading's decision for a batch.

    `threads`: message -> thread; `created`: threads to make (id -> provider key or ""); `merged`: thread that goes ->
    thread that takes its messages and links (never a chain); `links`: message-id digests to point at a thread.
    """

    threads: dict[uuid.UUID, uuid.UUID]
    created: dict[uuid.UUID, str]
    merged: dict[uuid.UUID, uuid.UUID]
    links: dict[bytes, uuid.UUID]
