"""Entries of the change log with their objects as they are now, in as many queries for a large page as for a small."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from accounts.models import Account
from api import objects
from api.pagination import fitting
from api.serializers import messages, threads
from api.serializers.bounces import bounces
from api.serializers.folders import folders
from api.serializers.grants import grant
from api.serializers.sends import send
from mail.changes import Change
from mail.models import Outgoing

Objects = Mapping[tuple[str, UUID], Any]


def changes(account: Account, entries: Sequence[Change]) -> list[objects.Change]:
    """The entries, or as many from the first as fit into an answer: mails can be large."""
    rows = messages.load(account, _ids(entries, "message"))
    conversations = threads.load(account, _ids(entries, "thread"))
    sizes = {("message", row.pk): row.size for row in rows}
    sizes |= {("thread", each.thread.pk): each.latest.size for each in conversations}
    page = fitting([(entry, sizes.get((entry.object_type, entry.object_id), 0)) for entry in entries])
    shown = {(entry.object_type, entry.object_id) for entry in page}
    rows = [row for row in rows if ("message", row.pk) in shown]
    conversations = [each for each in conversations if ("thread", each.thread.pk) in shown]
    contents = messages.load_contents([*rows, *(each.latest for each in conversations)], {})
    found: dict[tuple[str, UUID], Any] = {("message", row.pk): messages.message(row, contents) for row in rows}
    found |= {("thread", each.thread.pk): threads.thread(account, each, contents) for each in conversations}
    found |= _small(account, shown)
    found |= {("bounce", UUID(each["id"])): each for each in bounces(account, _ids(page, "bounce"))}
    return [_change(entry, found) for entry in page]


def ids(entries: Sequence[Change]) -> list[objects.Change]:
    """The entries without their objects."""
    return [_entry(entry) for entry in entries]


def _small(account: Account, shown: Collection[tuple[str, UUID]]) -> dict[tuple[str, UUID], Any]:
    found: dict[tuple[str, UUID], Any] = {}
    kinds = {kind for kind, _ in shown}
    if "send" in kinds:
        rows = Outgoing.objects.defer("octets").filter(account_id=account.pk)
        wanted = [object_id for kind, object_id in shown if kind == "send"]
        found |= {("send", row.pk): send(row) for row in rows.in_bulk(wanted).values()}
    if "folder" in kinds:
        found |= {("folder", UUID(each["id"])): each for each in folders(account)}
    if "grant" in kinds:
        found["grant", account.pk] = grant(account)
    return found


def _ids(entries: Iterable[Change], object_type: str) -> list[UUID]:
    wanted = (each.object_id for each in entries if each.object_type == object_type and each.kind != "deleted")
    return list(dict.fromkeys(wanted))


def _change(entry: Change, found: Objects) -> objects.Change:
    told = None if entry.kind == "deleted" else found.get((entry.object_type, entry.object_id))
    return {**_entry(entry), "object": told}


def _entry(entry: Change) -> objects.Change:
    return {
        "seq": entry.seq,
        "object_type": entry.object_type,  # type: ignore[typeddict-item]  # one of those that the log has
        "object_id": str(entry.object_id),
        "kind": entry.kind,  # type: ignore[typeddict-item]  # one of the three that the log has
        "time": int(entry.created_at.timestamp()),
    }
