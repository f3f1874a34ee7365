import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from mail.threading import assign, link_digest, subject_key, wanted_links, wanted_subjects
from mail.types import SubjectCandidate, ThreadInput

MONDAY = datetime(2024, 3, 4, 9, tzinfo=UTC)
ADA, BOB, CAROL = "ada@x.org", "bob@x.org", "carol@x.org"


def message(
    header_id: str = "",
    references: Iterable[str] = (),
    subject: str = "",
    people: Iterable[str] = (ADA, BOB),
    days: float = 0,
    provider_key: str = "",
) -> ThreadInput:
    return ThreadInput(
        uuid.uuid4(),
        header_id,
        tuple(references),
        subject,
        frozenset(people),
        MONDAY + timedelta(days=days),
        provider_key,
    )


def candidate(thread: UUID, like: ThreadInput) -> SubjectCandidate:
    key, is_reply = subject_key(like.subject)
    assert key is not None
    return SubjectCandidate(thread, key, is_reply, bool(like.references), like.participants, like.received_at)


def together(*messages: ThreadInput) -> bool:
    return len(set(assign(messages, {}, {}, []).threads.values())) == 1


def test_a_message_without_relations_begins_a_thread() -> None:
    one = message("a@x")

    given = assign([one], {}, {}, [])

    thread = given.threads[one.message]
    assert (given.created, given.merged, given.links) == ({thread: ""}, {}, {link_digest("a@x"): thread})


def test_a_reply_joins_the_thread_of_its_reference() -> None:
    thread = uuid.uuid4()
    reply = message("b@x", ["a@x"])

    given = assign([reply], {link_digest("a@x"): thread}, {}, [])

    assert given.threads == {reply.message: thread}
    assert given.created == {}
    assert given.links == {link_digest("b@x"): thread}


def test_siblings_meet_through_a_message_nobody_has() -> None:
    assert together(message("b@x", ["a@x"]), message("c@x", ["a@x"]))


def test_an_original_that_comes_after_its_reply_joins_it() -> None:
    thread = uuid.uuid4()
    original = message("a@x")

    assert assign([original], {link_digest("a@x"): thread}, {}, []).threads == {original.message: thread}


def test_a_message_that_links_two_threads_merges_them() -> None:
    older, newer = sorted([uuid.uuid4(), uuid.uuid4()])
    late = message("c@x", ["a@x", "b@x"])

    given = assign([late], {link_digest("a@x"): newer, link_digest("b@x"): older}, {}, [])

    assert given.threads == {late.message: older}
    assert (given.created, given.merged) == ({}, {newer: older})
    assert given.links == {link_digest("c@x"): older}


def test_merges_of_a_batch_never_form_a_chain() -> None:
    threads = [uuid.uuid4() for _ in range(5)]
    links = {link_digest(f"{number}@x"): thread for number, thread in enumerate(threads)}
    batch = [message(f"m{number}@x", [f"{number}@x", f"{number + 1}@x"]) for number in range(4)]

    given = assign(batch, links, {}, [])

    assert set(given.merged.values()) == {min(threads)}
    assert set(given.merged) == set(threads) - {min(threads)}
    assert set(given.threads.values()) == {min(threads)}


def test_the_providers_thread_decides() -> None:
    known = uuid.uuid4()
    one, two, three = (
        message("a@x", provider_key="1"),
        message("b@x", ["a@x"], provider_key="2"),
        message("c@x", provider_key="2"),
    )

    given = assign([one, two, three], {}, {"1": known}, [])

    assert given.threads[one.message] == known
    assert given.threads[two.message] == given.threads[three.message] != known
    assert given.created == {given.threads[two.message]: "2"}
    assert given.links == {}


def test_messages_with_and_without_a_provider_thread_never_mix() -> None:
    keyed, loose = message("a@x", subject="Plan", provider_key="1"), message("b@x", ["a@x"], subject="Re: Plan")
    bare = message("c@x", subject="Re: Plan")

    given = assign([keyed, loose, bare], {}, {}, [])

    assert given.threads[keyed.message] not in {given.threads[loose.message], given.threads[bare.message]}
    assert wanted_links([keyed]) == set()
    assert wanted_subjects([keyed]) == set()


def test_a_reply_without_references_joins_by_subject_and_people() -> None:
    assert together(message("a@x", subject="Plan"), message("b@x", subject="AW: Plan", days=1))


def test_the_same_reply_joins_when_it_is_mirrored_first() -> None:
    thread = uuid.uuid4()
    original = message("a@x", subject="Plan")
    reply = message("b@x", subject="Re: Plan", days=1)

    assert assign([original], {}, {}, [candidate(thread, reply)]).threads == {original.message: thread}
    assert assign([reply], {}, {}, [candidate(thread, original)]).threads == {reply.message: thread}


def test_invoice_twice_is_two_threads() -> None:
    assert not together(message("a@x", subject="Invoice"), message("b@x", subject="Invoice", days=1))


def test_a_reply_from_other_people_does_not_join() -> None:
    assert not together(
        message(subject="Invoice", people=[ADA, BOB]), message(subject="Re: Invoice", people=[ADA, CAROL], days=1)
    )
    assert not together(message(subject="Invoice", people=[]), message(subject="Re: Invoice", people=[], days=1))


def test_one_shared_person_is_enough_when_there_is_no_other() -> None:
    assert together(message(subject="Plan", people=[ADA]), message(subject="Re: Plan", people=[ADA, BOB], days=1))


def test_a_reply_after_the_window_or_before_its_original_does_not_join() -> None:
    assert together(message(subject="Plan"), message(subject="Re: Plan", days=14))
    assert not together(message(subject="Plan"), message(subject="Re: Plan", days=14.1))
    assert not together(message(subject="Plan"), message(subject="Re: Plan", days=-1))


def test_a_reply_with_references_does_not_join_by_subject() -> None:
    assert not together(message("a@x", subject="Plan"), message("b@x", ["other@x"], subject="Re: Plan", days=1))


def test_an_original_with_references_may_be_answered_by_subject() -> None:
    assert together(message("a@x", ["root@x"], subject="Re: Plan"), message("b@x", subject="Re: Plan", days=1))


def test_a_thousand_alarms_are_no_conversation() -> None:
    alarms = [message(f"{number}@x", subject="Re: Alarm", days=number / 1_000) for number in range(1_000)]

    assert len(set(assign(alarms, {}, {}, []).threads.values())) == 1_000


def test_what_to_look_up_is_told() -> None:
    batch = [message("a@x", ["b@x"], subject="Re: Plan"), message(subject="")]

    assert wanted_links(batch) == {link_digest("a@x"), link_digest("b@x")}
    assert wanted_subjects(batch) == {subject_key("Plan")[0]}
