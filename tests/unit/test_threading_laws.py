"""The conversations that result do not depend on the order in which messages arrive, nor on how they are batched."""

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from mail.threading import WINDOW_DAYS, assign, subject_key, wanted_links, wanted_subjects
from mail.types import SubjectCandidate, ThreadInput

START = datetime(2024, 3, 4, tzinfo=UTC)
IDS = [f"{letter}@x" for letter in "abcdefgh"]
PEOPLE = ["ada@x", "bob@x", "carol@x"]


class Mirror:
    """What a caller of assign() keeps, in memory."""

    def __init__(self) -> None:
        self.messages: dict[UUID, tuple[ThreadInput, UUID]] = {}
        self.links: dict[bytes, UUID] = {}
        self.keys: dict[str, UUID] = {}
        self.threads: set[UUID] = set()

    def take(self, batch: Sequence[ThreadInput]) -> None:
        links = {digest: self.links[digest] for digest in wanted_links(batch) if digest in self.links}
        keys = {
            message.provider_key: self.keys[message.provider_key]
            for message in batch
            if message.provider_key in self.keys
        }
        given = assign(batch, links, keys, self.candidates(batch))
        assert not set(given.created) & self.threads
        assert not set(given.merged) & set(given.merged.values())
        self.threads |= set(given.created)
        self.threads -= set(given.merged)
        assert set(given.threads.values()) <= self.threads
        self.keys |= {key: thread for thread, key in given.created.items() if key}
        stays: Callable[[UUID], UUID] = lambda thread: given.merged.get(thread, thread)  # noqa: E731 -- three uses, one line
        self.messages = {identity: (message, stays(thread)) for identity, (message, thread) in self.messages.items()}
        self.messages |= {message.message: (message, given.threads[message.message]) for message in batch}
        self.links = {digest: stays(thread) for digest, thread in self.links.items()} | given.links

    def candidates(self, batch: Sequence[ThreadInput]) -> list[SubjectCandidate]:
        wanted, window = wanted_subjects(batch), timedelta(days=WINDOW_DAYS)
        times = [message.received_at for message in batch]
        found = []
        for message, thread in self.messages.values():
            key, is_reply = subject_key(message.subject)
            near = min(times) - window <= message.received_at <= max(times) + window
            if key is not None and key in wanted and near and not message.provider_key:
                found.append(
                    SubjectCandidate(
                        thread, key, is_reply, bool(message.references), message.participants, message.received_at
                    )
                )
        return found

    def conversations(self) -> set[frozenset[UUID]]:
        found: dict[UUID, set[UUID]] = {}
        for identity, (_, thread) in self.messages.items():
            found.setdefault(thread, set()).add(identity)
        assert set(found) == self.threads
        return {frozenset(members) for members in found.values()}


messages = st.builds(
    ThreadInput,
    message=st.uuids(),
    header_id=st.sampled_from(["", *IDS]),
    references=st.lists(st.sampled_from(IDS), max_size=3).map(tuple),
    subject=st.sampled_from(["", "Plan", "Re: Plan", "Invoice", "AW: Invoice"]),
    participants=st.frozensets(st.sampled_from(PEOPLE), max_size=3),
    received_at=st.integers(0, 40).map(lambda days: START + timedelta(days=days)),
    provider_key=st.sampled_from(["", "", "", "1", "2"]),
)
mailboxes = st.lists(messages, max_size=14, unique_by=lambda message: message.message)


def mirrored(mailbox: Sequence[ThreadInput], cuts: Sequence[int]) -> set[frozenset[UUID]]:
    mirror = Mirror()
    ends = sorted({cut % (len(mailbox) + 1) for cut in cuts} | {len(mailbox)})
    start = 0
    for end in ends:
        if end > start:
            mirror.take(mailbox[start:end])
        start = end
    return mirror.conversations()


@given(
    mailboxes,
    st.randoms(use_true_random=False),
    st.lists(st.integers(0, 14), max_size=6),
    st.lists(st.integers(0, 14), max_size=6),
)
@settings(deadline=None, max_examples=300)
def test_conversations_do_not_depend_on_order_or_batches(
    mailbox: list[ThreadInput], random: object, first: list[int], second: list[int]
) -> None:
    shuffled = list(mailbox)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis types it as object

    assert mirrored(mailbox, first) == mirrored(shuffled, second)


@given(mailboxes)
@settings(deadline=None, max_examples=100)
def test_references_alone_give_the_connected_components(mailbox: list[ThreadInput]) -> None:
    loose = [ThreadInput(m.message, m.header_id, m.references, "", m.participants, m.received_at) for m in mailbox]

    assert mirrored(loose, range(14)) == components(loose)


def components(mailbox: Sequence[ThreadInput]) -> set[frozenset[UUID]]:
    """Messages connected by ids, found the slow and obvious way."""
    groups: list[tuple[set[UUID], set[str]]] = []
    for message in mailbox:
        members, ids = {message.message}, {message.header_id, *message.references} - {""}
        for group in [group for group in groups if group[1] & ids]:
            groups.remove(group)
            members |= group[0]
            ids |= group[1]
        groups.append((members, ids))
    return {frozenset(members) for members, _ in groups}


def test_newest_first_and_oldest_first_agree_on_a_long_thread() -> None:
    ids = [f"{number}@x" for number in range(200)]
    thread = [
        ThreadInput(uuid.uuid4(), own, tuple(ids[max(0, number - 1) : number]), "", frozenset(), START)
        for number, own in enumerate(ids)
    ]

    assert len(mirrored(thread, range(0, 200, 7))) == len(mirrored(thread[::-1], range(0, 200, 3))) == 1
