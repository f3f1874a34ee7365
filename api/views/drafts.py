"""G/drafts: messages that are being written; they live on the server as well."""

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from api import letters, objects, sent
from api.errors import InvalidRequest, NotFound
from api.filters import DRAFT_FILTERS
from api.filters import drafts as filtered_drafts
from api.openapi import Answer
from api.pagination import LIMIT, PAGE_TOKEN, Pages, fitting
from api.parameters import as_uuid
from api.selection import FIELDS, QUERY_IMAP, SELECT, pick, wants
from api.serializers import messages
from api.uploads import read_outgoing
from api.views.contract import GrantView
from api.views.messages import find_message
from mail import drafting, filing, mailing
from mail.models import Message

LETTER = {
    "subject": "Lunch?",
    "body": "<p>Are you free on <b>Wednesday</b>?</p>",
    "to": [{"name": "Bob", "email": "bob@example.com"}],
}


def find_draft(account: Account, identifier: str) -> Message:
    """The newest version of a draft. Raises NotFound."""
    wanted = as_uuid(identifier)
    found = drafting.find(account.pk, wanted) if wanted else None
    if found is None:
        raise NotFound("The draft")
    return found


class DraftList(GrantView):
    """Drafts, newest first."""

    parameters = {"GET": (*DRAFT_FILTERS, FIELDS, SELECT, LIMIT, PAGE_TOKEN), "POST": (SELECT,)}
    answers = {"GET": Answer(objects.Draft, many=True), "POST": Answer(objects.Draft)}
    takes = {"POST": objects.DraftRequest}
    takes_files = True
    examples = {"POST": LETTER}

    def get(self, _request: Request, **_path: str) -> Response:
        """List drafts, newest first."""
        pages = Pages.of(f"drafts {self.account.pk}", self.query)
        places = pages.rows(filtered_drafts(self.account, self.query), "received_at", "id")
        rows = messages.load(self.account, [place.id for place in places[: pages.limit]])
        heavy = wants(self.query, "body") or "fields" in self.query
        page = fitting([(row, row.size if heavy else 0) for row in rows])
        contents = messages.load_contents(page, self.query)
        data = pick(self.query, [messages.draft(row, contents) for row in page], "draft")
        cut = page[-1].pk if len(page) < len(rows) else None
        return self.success(data, next_cursor=pages.next_cursor(places, cut))

    def post(self, request: Request, **_path: str) -> Response:
        """Keep a draft: here at once, in the mailbox's folder for drafts shortly after."""
        given, files = read_outgoing(request)
        fields = letters.read(given)
        letter = letters.written(self.account, fields, files, answered(self.account, fields))
        return _saved(self, letter, fields, None)


class DraftItem(GrantView):
    """One draft. Its id stays, whoever edits it."""

    parameters = {"GET": (FIELDS, SELECT, QUERY_IMAP), "PUT": (SELECT,), "POST": (SELECT, FIELDS)}
    answers = {
        "GET": Answer(objects.Draft),
        "PUT": Answer(objects.Draft),
        "DELETE": Answer(),
        "POST": Answer(objects.Message),
    }
    takes = {"PUT": objects.DraftRequest}
    takes_files = True
    examples = {"PUT": {"subject": "Lunch on Thursday?"}}
    verbs = {"POST": "send"}

    def get(self, _request: Request, draft: str, **_path: str) -> Response:
        """Get a draft."""
        return _answer(self, find_draft(self.account, draft))

    def put(self, request: Request, draft: str, **_path: str) -> Response:
        """Change a draft; what is left out stays."""
        before = find_draft(self.account, draft)
        given, files = read_outgoing(request)
        fields = letters.read(given)
        letter = letters.changed(drafting.letter_of(before), fields, files if "attachments" in given or files else None)
        if "reply_to_message_id" in fields:
            letter = mailing.in_answer(letter, answered(self.account, fields))
        return _saved(self, letter, fields, before)

    def delete(self, _request: Request, draft: str, **_path: str) -> Response:
        """Delete a draft for good."""
        drafting.discard(self.account.pk, find_draft(self.account, draft))
        return self.deleted()

    def post(self, _request: Request, draft: str, **_path: str) -> Response:
        """Send a draft."""
        row = find_draft(self.account, draft)
        return sent.send(self, mailing.of_draft(row))


def answered(account: Account, fields: Mapping[str, Any]) -> Message | None:
    """The message that a letter answers. Raises InvalidRequest if there is none."""
    identifier = fields.get("reply_to_message_id")
    if not identifier:
        return None
    try:
        return find_message(account, identifier)
    except NotFound:
        raise InvalidRequest(f"reply_to_message_id: there is no message {identifier!r} in this grant.") from None


def _saved(view: GrantView, letter: Any, fields: Mapping[str, Any], before: Message | None) -> Response:
    if fields.get("send_at"):
        raise InvalidRequest("send_at: a draft is kept, not sent. Send it at a time with messages/send.")
    kept = {"starred": before.starred, "metadata": before.metadata, "replaces": before.pk} if before else {}
    told = {name: fields[name] for name in ("starred", "metadata") if name in fields}
    try:
        row = drafting.save(view.account.pk, letter, **{**kept, **told})
    except filing.NotListedYet:
        raise
    except filing.NameRefused as error:
        raise InvalidRequest(f"This mailbox has no folder for drafts, and none can be made: {error}") from None
    except Account.DoesNotExist:
        raise NotFound("The grant") from None
    return _answer(view, row)


def _answer(view: GrantView, row: Message) -> Response:
    shown = messages.load_one(view.account, row.pk)
    contents = messages.load_contents([shown], view.query)
    return view.success(pick(view.query, [messages.draft(shown, contents)], "draft")[0])
