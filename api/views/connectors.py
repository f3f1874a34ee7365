"""connectors: what mailboxes are reached by. IMAP is always there and needs no settings."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from api import objects
from api.errors import InvalidRequest, NotBuilt, NotFound
from api.openapi import Answer
from api.parameters import number
from api.views.contract import ContractView

_TO_COME = ("google", "microsoft", "icloud", "yahoo", "ews", "virtual-calendar", "zoom")
IMAP: objects.Connector = {"name": "IMAP", "provider": "imap", "settings": {}, "scope": []}


class ConnectorList(ContractView):
    """The farm's connectors."""

    parameters = {
        "GET": (
            number("limit", "At most this many connectors.", default=50, least=1, most=200),
            number("offset", "Leave out this many.", default=0),
        )
    }
    answers = {"GET": Answer(objects.Connector, many=True), "POST": Answer(objects.Connector, status=201)}
    takes = {"POST": objects.ConnectorRequest}
    application_only = frozenset({"GET", "POST"})

    def get(self, _request: Request) -> Response:
        """List connectors."""
        limit, offset = self.query.get("limit", 50), self.query.get("offset", 0)
        return self.success([IMAP][offset : offset + limit], limit=limit, offset=offset)

    def post(self, request: Request) -> Response:
        """Create a connector. IMAP's is always there: it is given back."""
        return self.success(_named(self.body(request).get("provider")), status=201)


class ConnectorItem(ContractView):
    """One connector."""

    answers = {method: Answer(objects.Connector) for method in ("GET", "PATCH", "PUT")} | {"DELETE": Answer()}
    application_only = frozenset({"GET", "PATCH", "PUT", "DELETE"})

    def get(self, _request: Request, provider: str) -> Response:
        """Get a connector."""
        return self.success(_found(provider))

    def patch(self, request: Request, provider: str) -> Response:
        """Update a connector. IMAP's has no settings, and each mailbox its own."""
        found = _found(provider)
        for name in ("settings", "scope"):
            if self.body(request).get(name):
                raise InvalidRequest(f"The {provider} connector has no {name}; each grant has settings of its own.")
        return self.success(found)

    put = patch

    def delete(self, _request: Request, provider: str) -> Response:
        """Delete a connector. IMAP's stays."""
        _found(provider)
        raise InvalidRequest(f"The {provider} connector is part of the farm and cannot be deleted.")


def _found(provider: str) -> objects.Connector:
    if provider != "imap":
        raise NotFound(f"The connector {provider}")
    return IMAP


def _named(provider: Any) -> objects.Connector:
    if provider in _TO_COME:
        raise NotBuilt(f"A connector of the provider '{provider}'")
    if provider != "imap":
        raise InvalidRequest("provider: it must be imap.")
    return IMAP
