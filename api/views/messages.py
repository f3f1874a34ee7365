"""G/messages: list with the contract's filters; get, change and delete by id or Message-ID."""

from uuid import UUID

from django.http import HttpResponseBase
from rest_framework.request import Request

from accounts.models import Account
from api import objects, updates
from api.errors import NotFound
from api.filters import MESSAGE_FILTERS, message_listing
from api.openapi import Answer
from api.pagination import LIMIT, PAGE_TOKEN, Pages, fitting
from api.parameters import as_uuid, boolean
from api.selection import FIELDS, QUERY_IMAP, SELECT, pick, wants
from api.serializers import messages
from api.streaming import with_mail
from api.views.contract import GrantView
from mail.models import Message

_LONGEST_HEADER_ID = 998  # RFC 5322 §2.1.1, and the column's length


def find_message(account: Account, identifier: str) -> Message:
    """The message with this id or, as an alias, Message-ID header; of several the newest. Raises NotFound."""
    rows = Message.objects.shown().filter(account_id=account.pk)
    message_id = as_uuid(identifier)
    found = rows.filter(pk=message_id).first() if message_id else None
    header_id = identifier.strip().removeprefix("<").removesuffix(">")
    if found is None and 0 < len(header_id) <= _LONGEST_HEADER_ID and "\0" not in header_id:
        found = rows.filter(header_id=header_id).order_by("-received_at", "-id").first()
    if found is None:
        raise NotFound("The message")
    return found


class MessageList(GrantView):
    """Messages, newest first."""

    parameters = {"GET": (*MESSAGE_FILTERS, FIELDS, SELECT, LIMIT, PAGE_TOKEN)}
    answers = {"GET": Answer(objects.Message, many=True)}

    def get(self, request: Request, **_path: str) -> HttpResponseBase:
        """List messages, newest first."""
        pages = Pages.of(f"messages {self.account.pk}", self.query)
        places = pages.found(message_listing(self.account, self.query))
        rows = messages.load(self.account, [place.id for place in places[: pages.limit]])
        heavy = wants(self.query, "body") or "fields" in self.query
        page = fitting([(row, row.size if heavy else 0) for row in rows])
        contents = messages.load_contents(page, self.query)
        data = pick(self.query, [messages.message(row, contents) for row in page], "message")
        cut = page[-1].pk if len(page) < len(rows) else None
        return with_mail(request, self.success(data, next_cursor=pages.next_cursor(places, cut)), contents.later)


class MessageItem(GrantView):
    """One message."""

    parameters = {
        "GET": (FIELDS, SELECT, QUERY_IMAP),
        "PUT": (SELECT, QUERY_IMAP),
        "DELETE": (boolean("hard_delete", "Delete it for good; else it is moved to the trash."),),
    }
    answers = {"GET": Answer(objects.Message), "PUT": Answer(objects.Message), "DELETE": Answer()}
    takes = {"PUT": objects.MessageUpdate}
    examples = {"PUT": {"unread": False, "starred": True, "metadata": {"case": "4711"}}}

    def get(self, request: Request, message: str, **_path: str) -> HttpResponseBase:
        """Get a message by its id or, as an alias, its Message-ID header."""
        return self._answer(request, find_message(self.account, message).pk)

    def put(self, request: Request, message: str, **_path: str) -> HttpResponseBase:
        """Mark a message as read or unread, starred or not, or move it: here at once, on its server shortly after.

        `folders` are all in which it is to be: a mailbox without labels keeps a copy of it in each."""
        changes = updates.read(self.account, self.body(request), updates.MessageForm)
        row = find_message(self.account, message)
        updates.apply(self.account, [row.pk], changes)
        return self._answer(request, row.pk)

    def delete(self, _request: Request, message: str, **_path: str) -> HttpResponseBase:
        """Move a message to the trash, or delete it for good: here at once, on its server shortly after."""
        row = find_message(self.account, message)
        updates.delete(self.account, [row], hard=self.query.get("hard_delete", False))
        return self.deleted()

    def _answer(self, request: Request, message_id: UUID) -> HttpResponseBase:
        row = messages.load_one(self.account, message_id)
        contents = messages.load_contents([row], self.query)
        answer = self.success(pick(self.query, [messages.message(row, contents)], "message")[0])
        return with_mail(request, answer, contents.later)
