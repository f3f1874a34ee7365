"""G/threads: list with the contract's filters; get, change, delete."""

from rest_framework.request import Request
from rest_framework.response import Response

from api import objects, updates
from api.errors import NotFound
from api.filters import THREAD_FILTERS, thread_listing
from api.openapi import Answer
from api.pagination import LIMIT, PAGE_TOKEN, Pages, fitting
from api.parameters import as_uuid, boolean
from api.selection import SELECT, pick
from api.serializers import messages, threads
from api.views.contract import GrantView


class ThreadList(GrantView):
    """Threads, the one with the latest message first."""

    parameters = {"GET": (*THREAD_FILTERS, SELECT, LIMIT, PAGE_TOKEN)}
    answers = {"GET": Answer(objects.Thread, many=True)}

    def get(self, _request: Request, **_path: str) -> Response:
        """List threads, the one with the latest message first."""
        pages = Pages.of(f"threads {self.account.pk}", self.query)
        places = pages.found(thread_listing(self.account, self.query))
        loaded = threads.load(self.account, [place.id for place in places[: pages.limit]])
        page = fitting([(one, one.latest.size) for one in loaded])
        contents = messages.load_contents([one.latest for one in page], {})
        data = pick(self.query, [threads.thread(self.account, one, contents) for one in page], "thread")
        cut = page[-1].thread.pk if len(page) < len(loaded) else None
        return self.success(data, next_cursor=pages.next_cursor(places, cut))


class ThreadItem(GrantView):
    """One thread."""

    parameters = {
        "GET": (SELECT,),
        "PUT": (SELECT,),
        "DELETE": (boolean("hard_delete", "Delete its messages for good; else they are moved to the trash."),),
    }
    answers = {"GET": Answer(objects.Thread), "PUT": Answer(objects.Thread), "DELETE": Answer()}
    takes = {"PUT": objects.ThreadUpdate}
    examples = {"PUT": {"unread": False}}

    def get(self, _request: Request, thread: str, **_path: str) -> Response:
        """Get a thread."""
        return self._answer(self._found(thread))

    def put(self, request: Request, thread: str, **_path: str) -> Response:
        """Mark all messages of a thread as read or unread, starred or not, or move them: here at once, on their server
        shortly after."""
        changes = updates.read(self.account, self.body(request), updates.ChangesForm)
        found = self._found(thread)
        updates.apply(self.account, [member.pk for member in found.members], changes)
        return self._answer(self._found(thread))

    def delete(self, _request: Request, thread: str, **_path: str) -> Response:
        """Move all messages of a thread to the trash, or delete them for good."""
        updates.delete(self.account, self._found(thread).members, hard=self.query.get("hard_delete", False))
        return self.deleted()

    def _found(self, thread: str) -> threads.Conversation:
        thread_id = as_uuid(thread)
        found = threads.load(self.account, [thread_id]) if thread_id else []
        if not found:
            raise NotFound("The thread")
        return found[0]

    def _answer(self, found: threads.Conversation) -> Response:
        contents = messages.load_contents([found.latest], {})
        return self.success(pick(self.query, [threads.thread(self.account, found, contents)], "thread")[0])
