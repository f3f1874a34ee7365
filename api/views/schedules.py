"""G/messages/schedules: messages that are to be sent at a time."""

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from api import objects
from api.errors import InvalidRequest, NotFound
from api.openapi import Answer
from api.pagination import LIMIT, PAGE_TOKEN, Pages
from api.parameters import as_uuid
from api.serializers import unix
from api.views.contract import GrantView
from mail import sending
from mail.models import Outgoing, OutgoingState

# The contract's words for how far each got.
_STATUS: dict[str, tuple[str, str]] = {
    OutgoingState.SCHEDULED: ("pending", "It is sent at its time."),
    OutgoingState.QUEUED: ("pending", "It is being sent."),
    OutgoingState.SENDING: ("pending", "It is being sent."),
    OutgoingState.ACCEPTED: ("success", "It was sent."),
    OutgoingState.SENT: ("success", "It was sent."),
    OutgoingState.FAILED: ("failed", "It was not sent."),
    OutgoingState.UNCERTAIN: ("uncertain", "It may have been sent."),
    OutgoingState.CANCELLED: ("cancelled", "It was cancelled."),
}


class ScheduleList(GrantView):
    """What was or is to be sent at a time."""

    parameters = {"GET": (LIMIT, PAGE_TOKEN)}
    answers = {"GET": Answer(objects.Schedule, many=True)}

    def get(self, _request: Request, **_path: str) -> Response:
        """List scheduled messages, those of the last month among them, the newest first."""
        pages = Pages.of(f"schedules {self.account.pk}", self.query)
        rows = _schedules(self)
        places = pages.rows(rows, "created_at", "id")
        found = rows.defer("octets").in_bulk([place.id for place in places[: pages.limit]])
        data = [_schedule(found[place.id]) for place in places if place.id in found]
        return self.success(data, next_cursor=pages.next_cursor(places, None))


class ScheduleItem(GrantView):
    """One of them."""

    answers = {"GET": Answer(objects.Schedule), "DELETE": Answer(objects.Stopped, status=202)}

    def get(self, _request: Request, item: str, **_path: str) -> Response:
        """Get a scheduled message: whether it was sent."""
        return self.success(_schedule(self._found(item)))

    def delete(self, _request: Request, item: str, **_path: str) -> Response:
        """Keep a scheduled message from being sent."""
        row = self._found(item)
        if not sending.cancel(self.account.pk, row.pk):
            status, words = _STATUS[self._found(item).state]
            if status != "cancelled":
                raise InvalidRequest(f"It is too late to stop this message. {words}")
        return self.success({"message": "The message is not going to be sent."}, status=202)

    def _found(self, item: str) -> Outgoing:
        wanted = as_uuid(item)
        row = _schedules(self).defer("octets").filter(pk=wanted).first() if wanted else None
        if row is None:
            raise NotFound("The schedule")
        return row


def _schedules(view: GrantView) -> QuerySet[Outgoing]:
    return Outgoing.objects.filter(account_id=view.account.pk, send_at__isnull=False)


def _schedule(row: Outgoing) -> objects.Schedule:
    code, words = _STATUS[row.state]
    told: objects.Schedule = {
        "schedule_id": str(row.pk),
        "status": {"code": code, "description": f"{words} {row.error}".strip()},  # type: ignore[typeddict-item]  # of _STATUS
    }
    closed = unix(row.ended_at)
    if closed is not None:
        told["close_time"] = closed
    return told
