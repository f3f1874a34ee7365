"""What fetched messages are: which the mirror has, what the others say, and which threads they belong to."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from mail import mime, raw, store, threading
from mail.store.rows import participants
from mail.types import Arrival, Assignment, Fetched, LocalFolder, Parsed, ThreadInput, Tie, message_key
from mail.types import message_id as derive_id


def read(account_id: UUID, message: Fetched) -> Arrival:
    """Identify a message and read what it says, but for its body, which is made behind the sync (mail.bodies). No
    database: this runs ahead of the batch before."""
    content = message.raw or b""
    digest = message.digest or raw.digest(content, b"" if message.complete else str(message.size).encode())
    by_content = derive_id(account_id, message_key("", digest)) if message.email_id else None
    parsed = mime.headline(content)
    key, is_reply = threading.subject_key(parsed.subject)
    return Arrival(
        uid=message.uid,
        message=derive_id(account_id, message_key(message.email_id, digest)),
        flags=message.flags,
        received_at=message.received_at,
        size=message.size,
        digest=digest,
        raw=content,
        parsed=parsed if message.complete else _marked(parsed, message),
        subject_key=key,
        is_reply=is_reply,
        thread_key=message.thread_id,
        by_content=by_content,
    )


def without_known(arrivals: Sequence[Arrival]) -> list[Arrival]:
    """The arrivals, in their order, reduced to their place where the mirror has the message, and to place and contents
    where it has lost these. One that was made here, whatever its server calls it, has its id from here."""
    ids = {arrival.message for arrival in arrivals}
    known = store.known_messages(ids | {arrival.by_content for arrival in arrivals if arrival.by_content})
    return [_reduced(arrival, known) for arrival in arrivals]


def _reduced(arrival: Arrival, known: Mapping[UUID, store.Known]) -> Arrival:
    found = known.get(arrival.message) or (known.get(arrival.by_content) if arrival.by_content else None)
    if found is None:
        return arrival
    if found.is_stored:
        return Arrival(arrival.uid, found.message, arrival.flags, found.received_at)
    return arrival._replace(message=found.message, received_at=found.received_at, parsed=None)


def made_here(account_id: UUID, folder: LocalFolder, arrivals: Sequence[Arrival]) -> list[Arrival]:
    """The same, where the provider keeps copies of what is sent, for those that were made here as well: the provider's
    copy, which says more or less, is the one that was made, and what it says replaces that one's contents. A copy
    in another folder is another message, as one that came back by a list, unless the provider numbers them."""
    if not any(arrival.parsed for arrival in arrivals):
        return list(arrivals)
    made = store.unfiled(account_id)
    return [_made_here(arrival, folder, made) for arrival in arrivals]


def _made_here(arrival: Arrival, folder: LocalFolder, made: Mapping[tuple[str, datetime], store.Unfiled]) -> Arrival:
    parsed = arrival.parsed
    found = made.get((parsed.header_id, parsed.date)) if parsed and parsed.date else None
    if found is None or not (arrival.by_content or found.folder == folder.id):
        return arrival
    return arrival._replace(message=found.message, received_at=found.received_at, parsed=None)


def renewed(arrivals: Sequence[Arrival], reduced: Sequence[Arrival]) -> dict[UUID, Arrival]:
    """What is said by messages that the mirror has, and whose contents came."""
    both = list(zip(arrivals, reduced, strict=True))
    return {
        ours.message: told for told, ours in reversed(both) if told.parsed and ours.raw is not None and not ours.parsed
    }


def ties(arrivals: Sequence[Arrival], reduced: Sequence[Arrival]) -> list[Tie]:
    """What servers call messages that have their ids from here."""
    return [
        Tie(ours.message, told.message, told.thread_key)
        for told, ours in zip(arrivals, reduced, strict=True)
        if ours.message != told.message
    ]


def packed(arrivals: Sequence[Arrival]) -> raw.Packed:
    """The contents that come with arrivals, each once, compressed."""
    contents = {
        arrival.message: raw.Content(arrival.message, arrival.raw)
        for arrival in reversed(arrivals)
        if arrival.raw is not None
    }
    return raw.pack(list(contents.values()))


def assign_threads(account_id: UUID, arrivals: Sequence[Arrival]) -> Assignment:
    """Decide the threads of those arrivals that are new."""
    fresh = {
        arrival.message: ThreadInput(
            message=arrival.message,
            header_id=arrival.parsed.header_id,
            references=arrival.parsed.references,
            subject=arrival.parsed.subject,
            participants=participants(arrival.parsed),
            received_at=arrival.received_at,
            provider_key=arrival.thread_key,
        )
        for arrival in arrivals
        if arrival.parsed is not None
    }
    inputs = list(fresh.values())
    if not inputs:
        return Assignment({}, {}, {}, {})
    return threading.assign(
        inputs,
        store.thread_links(account_id, threading.wanted_links(inputs)),
        store.threads_by_provider_key(account_id, {message.provider_key for message in inputs} - {""}),
        store.subject_candidates(
            account_id, threading.wanted_subjects(inputs), _dates(inputs), timedelta(days=threading.WINDOW_DAYS)
        ),
    )


def _dates(inputs: Sequence[ThreadInput]) -> list[datetime]:
    return [message.received_at for message in inputs]


def _marked(parsed: Parsed, message: Fetched) -> Parsed:
    """What a header says, with what the server tells of the rest."""
    limit = settings.SYNCFARM_MAX_MESSAGE_BYTES
    mark = f"{message.size:,} bytes, over the limit of {limit:,}: only the header is mirrored"
    attachments, problem = mime.listed(message.parts or ())
    problems = filter(None, (mark, parsed.problem, problem))
    return parsed._replace(attachments=attachments, problem="; ".join(problems))
