"""Assigns new messages to threads: by the provider's thread id, else by references, else by subject (likeness)."""

import hashlib
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from mail.threading.likeness import pairs
from mail.threading.subjects import subject_key
from mail.types import Assignment, SubjectCandidate, ThreadInput


def link_digest(msgid: str) -> bytes:
    """16 bytes that stand for a Message-ID (without brackets) in ThreadLink."""
    return hashlib.blake2b(msgid.encode("utf-8", "replace"), digest_size=16).digest()


def wanted_links(batch: Sequence[ThreadInput]) -> set[bytes]:
    """The digests whose threads assign() needs to know: own and referenced ids of messages without a provider key."""
    return {digest for message in batch if not message.provider_key for digest in _digests(message)}


def wanted_subjects(batch: Sequence[ThreadInput]) -> set[int]:
    """The subject keys of which assign() needs the messages within WINDOW_DAYS that have no provider key."""
    keys = (subject_key(message.subject)[0] for message in batch if not message.provider_key)
    return {key for key in keys if key is not None}


def assign(
    batch: Sequence[ThreadInput],
    links: Mapping[bytes, UUID],
    provider_threads: Mapping[str, UUID],
    candidates: Sequence[SubjectCandidate],
) -> Assignment:
    """Decide the threads of new messages.

    `links`: threads of the ids in wanted_links(batch), as far as known. `provider_threads`: threads of the batch's
    provider keys, as far as known. `candidates`: mirrored messages for wanted_subjects(batch), none of a thread with a
    provider key.

    The partition that results does not depend on order or batching. Threads with and without a provider key never mix.
    Where threads merge, an existing one stays before a new one, and of two existing ones that with the smaller id.
    `links` of the answer holds new digests only: those of merged threads are the caller's to repoint.
    """
    keyed, created = _by_provider(batch, provider_threads)
    loose = [message for message in batch if not message.provider_key]
    forest = _Forest({*links.values(), *(candidate.thread for candidate in candidates)})
    seen: dict[bytes, UUID] = dict(links)
    homes = {message.message: _by_references(message, seen, forest) for message in loose}
    for one, other in pairs([*candidates, *_candidates(loose, homes, candidates)]):
        forest.join(one, other)
    threads = keyed | {message: forest.root(home) for message, home in homes.items()}
    return Assignment(
        threads=threads,
        created=created | {thread: "" for thread in forest.new if forest.root(thread) == thread},
        merged={thread: root for thread in forest.known if (root := forest.root(thread)) != thread},
        links={digest: forest.root(thread) for digest, thread in seen.items() if digest not in links},
    )


def _by_provider(
    batch: Sequence[ThreadInput], provider_threads: Mapping[str, UUID]
) -> tuple[dict[UUID, UUID], dict[UUID, str]]:
    """Threads of the messages that have a provider key, and those of them that are to be created."""
    known = dict(provider_threads)
    threads, created = {}, {}
    for message in batch:
        key = message.provider_key
        if not key:
            continue
        if key not in known:
            known[key] = uuid.uuid4()
            created[known[key]] = key
        threads[message.message] = known[key]
    return threads, created


def _by_references(message: ThreadInput, seen: dict[bytes, UUID], forest: "_Forest") -> UUID:
    """A thread of the message: the one that its ids belong to, all of them joined, else a new one."""
    digests = list(_digests(message))
    found = [seen[digest] for digest in digests if digest in seen]
    home = found[0] if found else forest.grow()
    for other in found[1:]:
        forest.join(home, other)
    for digest in digests:
        seen.setdefault(digest, home)
    return home


def _digests(message: ThreadInput) -> Iterator[bytes]:
    """Digests of all ids that a message names, its own included."""
    return map(link_digest, filter(None, (message.header_id, *message.references)))


def _candidates(
    loose: Sequence[ThreadInput], homes: Mapping[UUID, UUID], others: Sequence[SubjectCandidate]
) -> Iterator[SubjectCandidate]:
    """The batch's own messages as candidates for each other and for `others`; none whose subject no other has."""
    keys = [subject_key(message.subject) for message in loose]
    shared = Counter(key for key, _is_reply in keys)
    shared.update({other.subject_key for other in others})
    for message, (key, is_reply) in zip(loose, keys, strict=True):
        if key is not None and shared[key] > 1:
            yield SubjectCandidate(
                thread=homes[message.message],
                subject_key=key,
                is_reply=is_reply,
                has_references=bool(message.references),
                participants=message.participants,
                received_at=message.received_at,
            )


class _Forest:
    """Threads that turn out to be one (disjoint sets)."""

    def __init__(self, known: set[UUID]) -> None:
        self.known = known
        self.new: list[UUID] = []
        self.parent: dict[UUID, UUID] = {}

    def grow(self) -> UUID:
        """A new thread. Random: an id derived from its first message could be taken since that was here before."""
        thread = uuid.uuid4()
        self.new.append(thread)
        return thread

    def root(self, thread: UUID) -> UUID:
        """The thread that stands for this one."""
        path = []
        while (parent := self.parent.get(thread)) is not None:
            path.append(thread)
            thread = parent
        self.parent.update(dict.fromkeys(path, thread))
        return thread

    def join(self, one: UUID, other: UUID) -> None:
        """Make two threads one: an existing one stays before a new one, then the smaller id."""
        one, other = self.root(one), self.root(other)
        if one != other:
            stays, goes = sorted((one, other), key=lambda thread: (thread not in self.known, thread))
            self.parent[goes] = stays
