"""G/sends: what was sent from here in the last month, or is to be, and how far each got. Ours, beside the contract."""

from rest_framework.request import Request
from rest_framework.response import Response

from api import objects
from api.errors import NotFound
from api.openapi import Answer
from api.pagination import LIMIT, PAGE_TOKEN, Pages
from api.parameters import as_uuid, choice
from api.serializers.sends import send
from api.views.contract import GrantView
from mail.models import Outgoing, OutgoingState


class SendingList(GrantView):
    """What was sent, newest first."""

    parameters = {"GET": (choice("status", "How far they got.", *OutgoingState.values), LIMIT, PAGE_TOKEN)}
    answers = {"GET": Answer(objects.Sending, many=True)}

    def get(self, _request: Request, **_path: str) -> Response:
        """List what was sent from here in the last month, or is to be, newest first."""
        pages = Pages.of(f"sends {self.account.pk}", self.query)
        rows = Outgoing.objects.defer("octets").filter(account_id=self.account.pk)
        if "status" in self.query:
            rows = rows.filter(state=self.query["status"])
        places = pages.rows(rows, "created_at", "id")
        found = rows.in_bulk([place.id for place in places[: pages.limit]])
        data = [send(found[place.id]) for place in places if place.id in found]
        return self.success(data, next_cursor=pages.next_cursor(places, None))


class SendingItem(GrantView):
    """One of them."""

    answers = {"GET": Answer(objects.Sending)}

    def get(self, _request: Request, item: str, **_path: str) -> Response:
        """Get how far a message got on its way out. `send_id` of an error and `schedule_id` are its id."""
        wanted = as_uuid(item)
        row = Outgoing.objects.defer("octets").filter(account_id=self.account.pk, pk=wanted).first() if wanted else None
        if row is None:
            raise NotFound("The message that was sent")
        return self.success(send(row))
