"""The contract's filters as conditions on Message and Thread, each narrowed by an index before a row is read."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db.models import BooleanField, F, Func, Q, QuerySet, TextField, Value

from accounts.models import Account
from api.errors import InvalidRequest
from api.pagination import Listing
from api.parameters import Parameter, boolean, ids, moment, text, texts, unsupported
from api.selection import QUERY_IMAP
from mail import search
from mail.models import Action, ActionKind, ActionState, Folder, Location, Message, Thread

ADDRESSES = ("from", "to", "cc", "bcc")
MESSAGE_FILTERS: tuple[Parameter, ...] = (
    text("subject", "A part of the subject, in the same case."),
    texts("any_email", "Addresses of which one is in from, to, cc or bcc."),
    *(texts(name, f"Addresses of which one is in {name}.") for name in ADDRESSES),
    ids("in", "Folders of which one holds it."),
    boolean("unread", "Whether it is unread."),
    boolean("starred", "Whether it is starred."),
    ids("thread_id", "The thread it belongs to."),
    moment("received_before", "Received before this time."),
    moment("received_after", "Received after this time."),
    boolean("has_attachment", "Whether it has an attachment that is not inline."),
    text(
        "search_query_native", 'Words, "phrases", from: to: subject: has:attachment before: after:; a minus excludes.'
    ),
    unsupported("metadata_pair", "Not supported yet."),
    QUERY_IMAP,
)
THREAD_FILTERS: tuple[Parameter, ...] = (
    *MESSAGE_FILTERS,
    moment("latest_message_before", "Whose latest message was received before this time."),
    moment("latest_message_after", "Whose latest message was received after this time."),
    moment("earliest_message_date", "Whose earliest message was received at this time or later."),
)

DRAFT_FILTERS = tuple(one for one in MESSAGE_FILTERS if one.name != "search_query_native")

_NO_FILTERS = frozenset({"in", "limit", "page_token", "select", "fields", "query_imap"})


class Named(Func):
    """Whether a JSON list of addresses names one of some in lower case. No index serves it: narrow by participants."""

    template = "EXISTS (SELECT 1 FROM jsonb_array_elements(%(expressions)s))"
    arg_joiner = ") one WHERE lower(one->>'email') = ANY("
    output_field = BooleanField()

    def __init__(self, column: str, addresses: list[str]) -> None:
        super().__init__(F(column), Value(addresses, output_field=ArrayField(TextField())))


def messages(account: Account, query: Mapping[str, Any]) -> QuerySet[Message]:
    """The account's messages that the filters leave, but for `in` (see listing). Raises InvalidRequest."""
    found = Message.objects.shown().filter(_columns(query), account_id=account.pk)
    if addresses := query.get("any_email"):
        found = found.filter(participants__overlap=_lower(addresses))
    for name in ADDRESSES:
        if addresses := query.get(name):
            wanted = _lower(addresses)
            found = found.filter(Named(f"{name}_addresses", wanted), participants__overlap=wanted)
    if "search_query_native" in query:
        found = found.filter(_searched(account, query["search_query_native"]))
    return found


def drafts(account: Account, query: Mapping[str, Any]) -> QuerySet[Message]:
    """The account's drafts that the filters leave."""
    found = messages(account, query).filter(draft=True)
    return found.filter(folder_ids__overlap=query["in"]) if "in" in query else found


def message_listings(account: Account, query: Mapping[str, Any]) -> list[Listing]:
    """What to page through for a list of messages.

    A folder is read in the order of its own index: one of ten old mails must not cost a walk through a million. But
    unread or starred mail is rare, and rarer than a folder's. So are messages that were moved here and are not yet
    where their server is to have them.
    """
    found = messages(account, query)
    if "in" not in query:
        return [(found, "received_at", "id")]
    folder_ids = _own(account, query["in"])
    inside = found.filter(folder_ids__overlap=folder_ids)
    if query.get("unread") or query.get("starred"):
        return [(inside, "received_at", "id")]
    places = _places(folder_ids)
    bounds = {"received_before": "received_at__lt", "received_after": "received_at__gt"}  # the same on both
    places = places.filter(**{lookup: query[name] for name, lookup in bounds.items() if name in query})
    moving = _moving(account)
    is_moving = moving.exists()
    if is_moving:
        places = places.exclude(message__in=moving)
    if query.keys() - bounds.keys() - _NO_FILTERS:
        places = places.filter(message__in=found)
    # A folder may hold a message under two UIDs.
    listings: list[Listing] = [(places.distinct(), "received_at", "message_id")]
    return [*listings, (inside.filter(pk__in=moving), "received_at", "id")] if is_moving else listings


def threads(account: Account, query: Mapping[str, Any]) -> QuerySet[Thread]:
    """The account's threads that the filters leave: flags and subject are the thread's, all else is one message's."""
    of_thread = {"unread": "unread", "starred": "starred", "has_attachment": "has_attachments", "thread_id": "id__in"}
    of_thread |= {
        "subject": "subject__contains",
        "latest_message_before": "latest_at__lt",
        "latest_message_after": "latest_at__gt",
        "earliest_message_date": "earliest_at__gte",
    }
    found = Thread.objects.filter(account_id=account.pk, message_count__gt=0)
    found = found.filter(**{lookup: query[name] for name, lookup in of_thread.items() if name in query})
    of_message = {name: value for name, value in query.items() if name not in of_thread}
    narrowing = {"any_email", *ADDRESSES, "in", "received_before", "received_after", "search_query_native"}
    if narrowing.isdisjoint(of_message):
        return found
    inside = messages(account, of_message)
    if "in" in query:
        folder_ids = _own(account, query["in"])
        placed = Q(pk__in=_places(folder_ids).values("message_id"))
        moving = _moving(account)
        if moving.exists():
            placed = placed & ~Q(pk__in=moving) | Q(pk__in=moving, folder_ids__overlap=folder_ids)
        inside = inside.filter(placed)
    return found.filter(pk__in=inside.values("thread_id"))


def _moving(account: Account) -> QuerySet[Action, UUID | None]:
    """The messages that readers see elsewhere than their server has them."""
    pending = Action.objects.filter(account_id=account.pk, state=ActionState.PENDING)
    return pending.exclude(kind=ActionKind.FLAGS).filter(message__isnull=False).values_list("message_id", flat=True)


def _own(account: Account, folder_ids: list[UUID]) -> list[UUID]:
    """Those of the folders that are the account's, and not deleted here."""
    return list(Folder.objects.shown().filter(account_id=account.pk, pk__in=folder_ids).values_list("pk", flat=True))


def _places(own: list[UUID]) -> QuerySet[Location]:
    # Equality where it can be: PostgreSQL walks an index in order for one folder, and sorts for a list of them.
    return Location.objects.filter(folder_id=own[0]) if len(own) == 1 else Location.objects.filter(folder_id__in=own)


def _columns(query: Mapping[str, Any]) -> Q:
    lookups = {
        "subject": "subject__contains",
        "unread": "unread",
        "starred": "starred",
        "thread_id": "thread_id__in",
        "received_before": "received_at__lt",
        "received_after": "received_at__gt",
        "has_attachment": "has_attachments",
    }
    return Q(**{lookup: query[name] for name, lookup in lookups.items() if name in query})


def _lower(addresses: list[str]) -> list[str]:
    return [address.lower() for address in addresses]


def _searched(account: Account, words: str) -> Q:
    try:
        return search.matching(account.pk, words)
    except ValueError as error:
        raise InvalidRequest(f"The query parameter 'search_query_native' cannot be read: {error}") from None
