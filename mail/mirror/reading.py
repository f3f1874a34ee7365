"""What fetched messages are: which the mirror has, what the others say, and which threads they belong to."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from mail import mime, raw, store, threading
from mail.store.rows import participants
from mail.types import Arrival, Assignment, Fetched, Parsed, ThreadInput, message_key
from mail.types import message_id as derive_id


def read(account_id: UUID, fetched: Sequence[Fetched]) -> list[Arrival]:
    """Identify messages, and read those that the mirror does not have."""
    named = []
    for message in fetched:
        content = message.raw or b""
        digest = raw.digest(content if message.complete else content + str(message.size).encode())
        named.append((message, digest, derive_id(account_id, message_key(message.email_id, digest))))
    known = store.known_messages({identity for _message, _digest, identity in named})
    lost = raw.missing(account_id, {digest for _message, digest, identity in named if identity in known})
    return [
        Arrival(
            message.uid,
            identity,
            message.flags,
            known[identity],
            digest=digest if digest in lost else b"",
            raw=raw.compress(message.raw or b"") if digest in lost else b"",
        )
        if identity in known
        else _arrival(message, digest, identity)
        for message, digest, identity in named
    ]


def _arrival(message: Fetched, digest: bytes, identity: UUID) -> Arrival:
    content = message.raw or b""
    parsed = mime.parse(content)
    body = parsed.html or parsed.text
    key, is_reply = threading.subject_key(parsed.subject)
    return Arrival(
        uid=message.uid,
        message=identity,
        flags=message.flags,
        received_at=message.received_at,
        size=message.size,
        digest=digest,
        raw=raw.compress(content),
        parsed=parsed if message.complete else _marked(parsed, message.size),
        subject_key=key,
        is_reply=is_reply,
        body=raw.compress(body.encode()) if body else b"",
        body_is_html=bool(parsed.html),
    )


def assign_threads(account_id: UUID, fetched: Sequence[Fetched], arrivals: Sequence[Arrival]) -> Assignment:
    """Decide the threads of those arrivals that are new."""
    keys = {message.uid: message.thread_id for message in fetched}
    fresh = {
        arrival.message: ThreadInput(
            message=arrival.message,
            header_id=arrival.parsed.header_id,
            references=arrival.parsed.references,
            subject=arrival.parsed.subject,
            participants=participants(arrival.parsed),
            received_at=arrival.received_at,
            provider_key=keys.get(arrival.uid, ""),
        )
        for arrival in arrivals
        if arrival.parsed is not None and arrival.received_at is not None
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


def _marked(parsed: Parsed, size: int) -> Parsed:
    limit = settings.SYNCFARM_MAX_MESSAGE_BYTES
    return replace(parsed, problem=f"{size:,} bytes, over the limit of {limit:,}: only the header is mirrored")
