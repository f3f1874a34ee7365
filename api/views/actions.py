"""G/actions: changes that were made here, and how far each got on its way to the server. Ours, beside the contract."""

from rest_framework.request import Request
from rest_framework.response import Response

from api import objects
from api.errors import NotFound
from api.openapi import Answer
from api.pagination import LIMIT, PAGE_TOKEN, Pages
from api.parameters import as_uuid, choice
from api.serializers.actions import action as action_object
from api.views.contract import GrantView
from mail import actions
from mail.models import Action, ActionState


class ActionList(GrantView):
    """Changes, newest first."""

    parameters = {"GET": (choice("status", "How far they got.", *ActionState.values), LIMIT, PAGE_TOKEN)}
    answers = {"GET": Answer(objects.Action, many=True)}

    def get(self, _request: Request, **_path: str) -> Response:
        """List what was changed here in the last month, newest first."""
        pages = Pages.of(f"actions {self.account.pk}", self.query)
        rows = Action.objects.filter(account_id=self.account.pk)
        if "status" in self.query:
            rows = rows.filter(state=self.query["status"])
        places = pages.rows(rows, "created_at", "id")
        found = {row.id: row for row in rows.filter(id__in=[place.id for place in places[: pages.limit]])}
        data = [action_object(found[place.id]) for place in places if place.id in found]
        return self.success(data, next_cursor=pages.next_cursor(places, None))


class ActionItem(GrantView):
    """One change."""

    answers = {"GET": Answer(objects.Action), "POST": Answer(objects.Action)}

    def get(self, _request: Request, action: str, **_path: str) -> Response:
        """Get a change."""
        return self.success(_found(self, action))

    def post(self, _request: Request, action: str, **_path: str) -> Response:
        """Try a change that failed once more."""
        action_id = as_uuid(action)
        if action_id:
            actions.retry(self.account.pk, [action_id])
        return self.success(_found(self, action))


def _found(view: GrantView, identifier: str) -> objects.Action:
    action_id = as_uuid(identifier)
    row = Action.objects.filter(account_id=view.account.pk, id=action_id).first() if action_id else None
    if row is None:
        raise NotFound("The action")
    return action_object(row)
