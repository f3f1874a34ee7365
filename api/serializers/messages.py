"""Messages and their attachments."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import orjson

from accounts.models import Account
from api import objects
from api.errors import NotFound
from api.selection import wants
from api.streaming import LARGE
from mail import bodies, mime, raw, rows
from mail.drafting import draft_id
from mail.models import Message
from mail.rows import MessageRow
from mail.types import Octets

BASIC_HEADERS = frozenset({"message-id", "in-reply-to", "references"})
UNTRACKED: objects.TrackingOptions = {"opens": False, "thread_replies": False, "links": False, "label": ""}


@dataclass(frozen=True, slots=True)
class Contents:
    """What lies beside the rows of a page of messages, as far as it is asked for."""

    bodies: Mapping[UUID, bytes] | None = None  # as JSON; None: not asked for
    raws: Mapping[UUID, Octets] = field(default_factory=dict)
    fields: str = "standard"
    places: Mapping[UUID, str] = field(default_factory=dict)  # words in place of raws; api.streaming puts these there

    @property
    def later(self) -> Mapping[str, Octets]:
        """The raw mail that the words stand for."""
        return {word: self.raws[message] for message, word in self.places.items()}


def load(account: Account, ids: Sequence[UUID]) -> list[MessageRow]:
    """The account's messages with these ids, in their order; those that are gone are left out. One query."""
    return rows.load(account.pk, ids)


def load_one(account: Account, message_id: UUID) -> MessageRow:
    """The same of one. Raises NotFound where it has gone."""
    for found in load(account, [message_id]):
        return found
    raise NotFound("The message")


def load_contents(messages: Sequence[MessageRow], query: Mapping[str, Any]) -> Contents:
    """Bodies and raw mail of the messages, none for what `fields` and `select` leave out."""
    fields = query.get("fields", "standard")
    wants_body = fields != "raw_mime" and wants(query, "body")
    wants_raw = fields == "raw_mime" or (fields.endswith("headers") and wants(query, "headers"))
    ids = [message.pk for message in messages]
    raws = raw.raws_of(ids) if wants_raw else {}
    return Contents(
        bodies.shown_as_json(ids) if wants_body else None,
        raws,
        fields,
        {message: uuid4().hex for message in raws} if fields == "raw_mime" and _are_large(raws) else {},
    )


def message(row: MessageRow, contents: Contents) -> Mapping[str, Any]:
    """A message as the contract has it, with what `fields` asks for."""
    if contents.fields == "raw_mime":
        return _raw_only(row, contents)
    full: dict[str, Any] = {**_standard(row)}
    if contents.bodies is not None:
        full["body"] = _as_is(contents.bodies.get(row.pk, b'""'))
    if contents.fields == "include_tracking_options":
        full["tracking_options"] = UNTRACKED
    if contents.fields.endswith("headers"):
        full["headers"] = _headers(contents.raws.get(row.pk, b""), contents.fields)
    return full


def draft(row: MessageRow, contents: Contents) -> Mapping[str, Any]:
    """A message that is being written, as the contract has it: its id stays when it is changed."""
    return {**message(row, contents), "object": "draft", "id": str(draft_id(row))}


def attachment(row: Message | MessageRow, part: Mapping[str, Any]) -> objects.Attachment:
    """One entry of Message.attachments."""
    return {
        "id": f"{row.pk.hex}p{part['part']}",
        "grant_id": str(row.account_id),
        "object": "attachment",
        "filename": part["filename"],
        "content_type": part["content_type"],
        "size": part["size"],
        "content_id": part["content_id"] or None,
        "content_disposition": part["disposition"] or None,
        "is_inline": part["is_inline"],
    }


def _standard(row: MessageRow) -> objects.Message:
    return {
        "grant_id": row.grant_id,
        "id": row.id,
        "object": "message",
        "thread_id": row.thread_id,
        "subject": row.subject,
        "from": _as_is(row.from_addresses),
        "to": _as_is(row.to_addresses),
        "cc": _as_is(row.cc_addresses),
        "bcc": _as_is(row.bcc_addresses),
        "reply_to": _as_is(row.reply_to_addresses),
        "date": int(row.received_at.timestamp()),
        "created_at": int(row.created_at.timestamp()),
        "unread": row.unread,
        "starred": row.starred,
        "snippet": row.snippet,
        "folders": row.folder_ids,
        "attachments": _attachments(row),
        "metadata": _as_is(row.metadata or "{}"),
        "problem": row.problem or None,
    }


def _as_is(text: str | bytes) -> Any:
    """JSON that is there already: of a shape that mail.store or mail.bodies has seen to."""
    return orjson.Fragment(text)


def _attachments(row: MessageRow) -> list[objects.Attachment]:
    if row.attachments == "[]":  # as most have it
        return []
    return [attachment(row, part) for part in json.loads(row.attachments)]


def _raw_only(row: MessageRow, contents: Contents) -> dict[str, Any]:
    place = contents.places.get(row.pk)
    mail = place or base64.urlsafe_b64encode(contents.raws.get(row.pk, b"")).decode()
    return {"grant_id": row.grant_id, "object": "message", "id": row.id, "raw_mime": mail}


def _are_large(raws: Mapping[UUID, Octets]) -> bool:
    return sum(map(len, raws.values())) > LARGE


def _headers(mail: Octets, fields: str) -> list[objects.Header]:
    every = fields == "include_headers"
    return [{"name": n, "value": v} for n, v in mime.headers(mail) if every or n.lower() in BASIC_HEADERS]
