"""What is not there: endpoints of the contract that this farm has not built yet (501), and all other paths (404)."""

from collections.abc import Sequence
from typing import Any

from django.urls import URLPattern, path
from rest_framework.request import Request

from api.errors import NotFound
from api.views.contract import ContractView, GrantView

GRANT = {
    "calendars": "GET POST",
    "calendars/free-busy": "POST",
    "calendars/<str:item>": "GET PUT DELETE",
    "events": "GET POST",
    "events/import": "GET",
    "events/<str:item>": "GET PUT DELETE",
    "events/<str:item>/send-rsvp": "POST",
    "contacts": "GET POST",
    "contacts/groups": "GET",
    "contacts/<str:item>": "GET PUT DELETE",
}
FARM = {
    "webhooks": "GET POST",
    "webhooks/mock-payload": "POST",
    "webhooks/send-test-event": "POST",
    "webhooks/ip-addresses": "GET",
    "webhooks/rotate-secret/<str:item>": "POST",
    "webhooks/<str:item>/rotate-secret": "PUT",
    "webhooks/<str:item>": "GET PUT DELETE",
    "applications/redirect-uris": "GET POST",
    "applications/redirect-uris/<str:item>": "GET PATCH DELETE",
    "connect/auth": "GET",
    "connect/token": "POST",
    "connect/revoke": "POST",
    "connect/tokeninfo": "GET",
    "calendars/availability": "POST",
}


class UnbuiltOfFarm(ContractView):
    """An endpoint of the contract that is to come."""


class UnbuiltOfGrant(GrantView):
    """An endpoint of the contract under a grant that is to come."""


class UnknownPath(ContractView):
    """Every path that nothing else takes. Without a key not even this is told."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raises NotFound whatever the method."""
        super().initial(request, *args, **kwargs)
        raise NotFound("The path")


def routes() -> Sequence[URLPattern]:
    """Routes of all that is unbuilt. Fixed words come before <item> above, so that they win."""
    of_grant = [(f"grants/<str:grant>/{route}", UnbuiltOfGrant, methods) for route, methods in GRANT.items()]
    of_farm = [(route, UnbuiltOfFarm, methods) for route, methods in FARM.items()]
    return [
        path(route, view.as_view(unbuilt=frozenset(methods.split()))) for route, view, methods in (*of_grant, *of_farm)
    ]
