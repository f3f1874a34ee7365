"""Threads with what of their messages belongs to them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from accounts.models import Account
from api import objects
from api.serializers import messages
from api.serializers.messages import Contents
from mail.drafting import draft_id
from mail.models import Message, Thread
from mail.rows import MessageRow

_COLUMNS = (
    *("id", "account_id", "thread_id", "header_id", "received_at", "folder_ids", "draft"),
    *("from_addresses", "to_addresses", "cc_addresses"),
)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A thread, its messages from the oldest to the newest (with the columns above alone), and the newest whole."""

    thread: Thread
    members: Sequence[Message]
    latest: MessageRow


def load(account: Account, ids: Sequence[UUID]) -> list[Conversation]:
    """The account's threads with these ids, in their order; those that are gone are left out. Three queries."""
    found = Thread.objects.filter(account_id=account.pk).in_bulk(list(ids))
    members: defaultdict[UUID, list[Message]] = defaultdict(list)
    narrow = Message.objects.shown().filter(thread_id__in=found).only(*_COLUMNS).order_by("received_at", "id")
    for row in narrow:
        members[row.thread_id].append(row)
    latest = {UUID(row.thread_id): row for row in messages.load(account, [rows[-1].pk for rows in members.values()])}
    return [Conversation(found[each], members[each], latest[each]) for each in ids if each in found and each in latest]


def thread(account: Account, told: Conversation, contents: Contents) -> objects.Thread:
    """A thread as the contract has it."""
    row, members = told.thread, told.members
    sent = [one for one in members if _is_sent(account, one)]
    received = [one for one in members if not _is_sent(account, one)]
    latest = messages.draft if told.latest.draft else messages.message
    return {
        "id": str(row.pk),
        "grant_id": str(row.account_id),
        "object": "thread",
        "subject": row.subject,
        "snippet": told.latest.snippet,
        "participants": _participants(members),
        "message_ids": [str(one.pk) for one in members],
        "draft_ids": list(dict.fromkeys(str(draft_id(one)) for one in members if one.draft)),
        "folders": sorted({str(folder) for one in members for folder in one.folder_ids}),
        "unread": row.unread,
        "starred": row.starred,
        "has_attachments": row.has_attachments,
        "has_drafts": row.has_drafts,
        "earliest_message_date": int(row.earliest_at.timestamp()),
        "latest_message_received_date": _latest(received),
        "latest_message_sent_date": _latest(sent),
        "latest_draft_or_message": latest(told.latest, contents),  # type: ignore[typeddict-item]  # select
    }


def _is_sent(account: Account, member: Message) -> bool:
    return any(one["email"].lower() == account.email.lower() for one in member.from_addresses)


def _latest(members: Sequence[Message]) -> int | None:
    return int(max(one.received_at for one in members).timestamp()) if members else None


def _participants(members: Iterable[Message]) -> list[objects.EmailName]:
    """Everybody once, in the order in which they joined, under the first name they gave."""
    seen: dict[str, objects.EmailName] = {}
    for address in _addresses(members):
        known = seen.setdefault(address["email"].lower(), {"name": address["name"], "email": address["email"]})
        known["name"] = known["name"] or address["name"]
    return list(seen.values())


def _addresses(members: Iterable[Message]) -> Iterable[Mapping[str, Any]]:
    for one in members:
        yield from (a for a in (*one.from_addresses, *one.to_addresses, *one.cc_addresses) if a["email"])
