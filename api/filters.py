"""The contract's filters as conditions on Message and Thread, each narrowed by an index before a row is read."""

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.db.models import BooleanField, Exists, F, Func, OuterRef, Q, QuerySet, TextField, Value

from accounts.models import Account
from api.errors import InvalidRequest
from api.listing import Listing, Newest, Probe, Steps
from api.metadata import pair
from api.parameters import Parameter, boolean, ids, moment, text, texts
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
    pair("metadata_pair", "A pair of its metadata, key:value; the key ends at the first colon."),
    QUERY_IMAP,
)
THREAD_FILTERS: tuple[Parameter, ...] = (
    *MESSAGE_FILTERS,
    moment("latest_message_before", "Whose latest message was received before this time."),
    moment("latest_message_after", "Whose latest message was received after this time."),
    moment("earliest_message_date", "Whose earliest message was received at this time or later."),
)

DRAFT_FILTERS = tuple(one for one in MESSAGE_FILTERS if one.name != "search_query_native")

# What a walk of each list looks at before an index is asked. Few, to learn how many fit: then as many as would take as
# long as to look up all that fit in a mailbox of a million (docs/decisions/0015).
_MESSAGES, _THREADS = Steps(2_000, 14_000), Steps(800, 6_000)
_SEARCHED = 4  # times as long takes a look at the words of one, and most searches are for what is rare
_MARKED = 4  # times as few of the unread, and of the starred: their indexes hold little
_ELSEWHERE = frozenset(
    {"subject", "any_email", *ADDRESSES, "search_query_native", "metadata_pair"}
)  # than in the order
_BOUNDS = {"received_before": "received_at__lt", "received_after": "received_at__gt"}
_MARKS = {"unread": "unread", "starred": "starred", "has_attachment": "has_attachments"}
_OF_THREAD = {
    "thread_id": "id__in",
    "latest_message_before": "latest_at__lt",
    "latest_message_after": "latest_at__gt",
    "earliest_message_date": "earliest_at__gte",
}
_NARROWING = {one.name for one in THREAD_FILTERS} - {QUERY_IMAP.name}
_OF_MESSAGE = (_ELSEWHERE - {"subject"}) | {"in", *_BOUNDS}


class Named(Func):
    """Whether a JSON list of addresses names one of some in lower case. No index serves it: narrow by participants."""

    template = "EXISTS (SELECT 1 FROM jsonb_array_elements(%(expressions)s))"
    arg_joiner = ") one WHERE lower(one->>'email') = ANY("
    output_field = BooleanField()

    def __init__(self, column: str, addresses: list[str]) -> None:
        super().__init__(F(column), Value(addresses, output_field=ArrayField(TextField())))


def messages(account: Account, query: Mapping[str, Any]) -> QuerySet[Message]:
    """The account's messages that the filters leave, but for `in` (see message_listing). Raises InvalidRequest."""
    found = Message.objects.shown().filter(_columns(query), account_id=account.pk)
    if "search_query_native" in query:
        found = found.filter(_searched(account, query["search_query_native"]))
    return found


def drafts(account: Account, query: Mapping[str, Any]) -> QuerySet[Message]:
    """The account's drafts that the filters leave."""
    found = messages(account, query).filter(draft=True)
    return found.filter(folder_ids__overlap=query["in"]) if "in" in query else found


def message_listing(account: Account, query: Mapping[str, Any]) -> Listing | Newest:
    """What to page through for a list of messages. Raises InvalidRequest.

    One folder is read in the order of its own index: one of ten old mails must not cost a walk through a million. But
    for the moments in which mail is on its way into it or out of it.
    """
    if not query.keys() & _NARROWING:
        return Newest("mail_message", "received_at", "NOT hidden", account.pk)
    query, moving = _of_account(account, query)
    found = messages(account, query)
    if moving is None and _is_plain(query, "in"):
        bounds = {lookup: query[name] for name, lookup in _BOUNDS.items() if name in query}  # the same on both
        places = _places(query["in"]).filter(**bounds)
        return Listing(places.distinct(), "received_at", "message_id")  # a folder may hold a message under two UIDs
    few = bool(query.get("unread") or query.get("starred"))
    if "in" in query and few:
        found = found.filter(folder_ids__overlap=query["in"])  # an index knows the few of a folder
    elif "in" in query:
        found = found.filter(_inside(query["in"], moving))
    elif "thread_id" in query or not query.keys() & _ELSEWHERE:
        return Listing(found, "received_at")
    ordered = {lookup: query[name] for name, lookup in _BOUNDS.items() if name in query}
    ordered |= {column: True for name, column in _MARKS.items() if query.get(name)}
    walk = Message.objects.shown().filter(account_id=account.pk, **ordered)
    steps = _steps(_MESSAGES, query, _MARKED if few else 1)
    return Listing(found, "received_at", walk=walk, fits=_fits(account, query), steps=steps)


def _is_plain(query: Mapping[str, Any], name: str) -> bool:
    """Whether a list asks for one folder and nothing but times beside."""
    return len(query.get(name, ())) == 1 and not query.keys() & {*_ELSEWHERE, *_MARKS, "thread_id"}


def thread_listing(account: Account, query: Mapping[str, Any]) -> Listing | Newest:
    """What to page through for a list of threads: flags and subject are the thread's, all else is one message's. Raises
    InvalidRequest."""
    if not query.keys() & _NARROWING:
        return Newest("mail_thread", "latest_at", "message_count > 0", account.pk)
    query, moving = _of_account(account, query)
    every = Thread.objects.filter(account_id=account.pk, message_count__gt=0)
    walk = every.filter(**{lookup: query[name] for name, lookup in _OF_THREAD.items() if name in query})
    if "earliest_message_date" in query:
        walk = walk.filter(latest_at__gte=query["earliest_message_date"])  # follows; the index knows the latest
    if "received_after" in query:
        walk = walk.filter(latest_at__gt=query["received_after"])
    walk = walk.filter(**{column: True for name, column in _MARKS.items() if query.get(name)})
    marks = Q(**{column: query[name] for name, column in _MARKS.items() if name in query})
    if "subject" in query:
        marks &= Q(subject__contains=query["subject"])
    inside = {name: value for name, value in query.items() if name in _OF_MESSAGE}
    newer = None
    if "received_before" in query:
        # In the order of the latest message these may come after half of all threads.
        told = inside.keys() == {"received_before"}  # by their first message
        newer = walk.going_on_at(query["received_before"]).filter(marks, _one_fits(account, {} if told else inside))
        walk = walk.filter(latest_at__lt=query["received_before"])
    if not inside.keys() - _BOUNDS.keys():
        inside = {}  # the latest message is in between
    fits = marks & _one_fits(account, inside)
    if "thread_id" in query or not (inside or "subject" in query):
        return Listing(walk.filter(fits), "latest_at", newer=newer)
    narrowed = walk.filter(marks, *_narrowed(account, query, inside, moving))
    return Listing(narrowed, "latest_at", walk=walk, fits=fits, steps=_steps(_THREADS, query), newer=newer)


def _one_fits(account: Account, inside: Mapping[str, Any]) -> Q:
    """Whether one of a thread's messages is as asked."""
    if not inside:
        return Q()
    return Q(Probe(Message.objects.shown().filter(_fits(account, inside), thread_id=OuterRef("pk"))))


def _narrowed(
    account: Account, query: Mapping[str, Any], inside: Mapping[str, Any], moving: QuerySet[Action, Any] | None
) -> Iterator[Q]:
    """What an index of messages knows of a thread: one of its messages has its subject, and one all that is inside."""
    if "subject" in query:
        yield Q(pk__in=messages(account, {"subject": query["subject"]}).values("thread_id"))
    if inside:
        found = messages(account, inside)
        if "in" in inside:
            found = found.filter(_inside(inside["in"], moving))
        yield Q(pk__in=found.values("thread_id"))


def _steps(steps: Steps, query: Mapping[str, Any], fewer: int = 1) -> Steps:
    searched = _SEARCHED if "search_query_native" in query else 1
    return Steps(max(1, steps.first // fewer // searched // min(searched, 2)), max(1, steps.most // fewer // searched))


def _of_account(account: Account, query: Mapping[str, Any]) -> tuple[Mapping[str, Any], QuerySet[Action, Any] | None]:
    """The query, of folders with those alone that are the account's, and that readers see. With it the messages that
    readers see elsewhere than their server has them; None: there are none, or no folder is asked for."""
    if "in" not in query:
        return query, None
    pending = Action.objects.filter(account_id=account.pk, state=ActionState.PENDING, message__isnull=False)
    moving = pending.exclude(kind=ActionKind.FLAGS).values_list("message_id", flat=True)
    own = Folder.objects.shown().filter(account_id=account.pk, pk__in=query["in"])
    found = dict(own.values_list("pk", Exists(moving)))
    return {**query, "in": list(found)}, moving if any(found.values()) else None


def _places(folder_ids: list[UUID]) -> QuerySet[Location]:
    # Equality where it can be: PostgreSQL walks an index in order for one folder, and sorts for a list of them.
    if len(folder_ids) == 1:
        return Location.objects.filter(folder_id=folder_ids[0])
    return Location.objects.filter(folder_id__in=folder_ids)


def _inside(folder_ids: list[UUID], moving: QuerySet[Action, Any] | None) -> Q:
    """Whether a message is in one of the folders, as readers see it."""
    placed = Q(pk__in=_places(folder_ids).values("message_id"))
    if moving is None:
        return placed
    return placed & ~Q(pk__in=moving) | Q(pk__in=moving, folder_ids__overlap=folder_ids)


def _fits(account: Account, query: Mapping[str, Any]) -> Q:
    """All conditions on one message, to be asked of one after the other."""
    fits = _columns(query)
    if "in" in query:
        fits &= Q(folder_ids__overlap=query["in"])
    if "search_query_native" in query:
        searched = _searched(account, query["search_query_native"])
        fits &= Q(Probe(Message.objects.filter(searched, pk=OuterRef("pk"))))
    return fits


def _columns(query: Mapping[str, Any]) -> Q:
    lookups = {
        "subject": "subject__contains",
        "thread_id": "thread_id__in",
        "metadata_pair": "metadata__contains",
        **_MARKS,
        **_BOUNDS,
    }
    found = Q(**{lookup: query[name] for name, lookup in lookups.items() if name in query})
    if addresses := query.get("any_email"):
        found &= Q(participants__overlap=_lower(addresses))
    for name in ADDRESSES:
        if addresses := query.get(name):
            wanted = _lower(addresses)
            found &= Q(Named(f"{name}_addresses", wanted), participants__overlap=wanted)
    return found


def _lower(addresses: list[str]) -> list[str]:
    return [address.lower() for address in addresses]


def _searched(account: Account, words: str) -> Q:
    try:
        return search.matching(account.pk, words)
    except ValueError as error:
        raise InvalidRequest(f"The query parameter 'search_query_native' cannot be read: {error}") from None
