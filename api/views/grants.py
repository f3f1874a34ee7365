"""grants: list, get, get a token's own, remove."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import AccountQuerySet, AccountState
from api import objects
from api.auth import visible_grants
from api.errors import InvalidRequest
from api.openapi import Answer
from api.parameters import choice, moment, number, text
from api.serializers.grants import grant as grant_object
from api.views.connect import SettingsForm, refused
from api.views.contract import ContractView, GrantView
from mail import intent
from mail.connecting import ConnectRefused, reconnect

# The contract's default for grants is 10, unlike all other lists.
PARAMETERS = (
    number("limit", "At most this many grants.", default=10, least=1, most=200),
    number("offset", "Leave out this many.", default=0),
    choice("sort_by", "What to sort by.", "created_at", "updated_at"),
    choice("order_by", "In which direction; descending when absent.", "asc", "desc"),
    moment("since", "Created at this time or later."),
    moment("before", "Created before this time."),
    text("email", "Of this address."),
    choice("grant_status", "Whether its credentials work.", "valid", "invalid"),
    text("ip", "The address of who connected it; not recorded, so nothing has one."),
    text("provider", "Of this provider."),
)


class GrantList(ContractView):
    """The grants that the key may see."""

    parameters = {"GET": PARAMETERS}
    answers = {"GET": Answer(objects.Grant, many=True)}

    def get(self, _request: Request) -> Response:
        """List grants."""
        limit, offset = self.query.get("limit", 10), self.query.get("offset", 0)
        sign = "" if self.query.get("order_by") == "asc" else "-"
        column = self.query.get("sort_by", "created_at")
        rows = _filtered(visible_grants(self.key), self.query).order_by(f"{sign}{column}", f"{sign}id")
        data = [grant_object(row) for row in rows[offset : offset + limit]]
        return self.success(data, limit=limit, offset=offset)


class GrantItem(GrantView):
    """One grant."""

    answers = {"GET": Answer(objects.Grant), "PATCH": Answer(objects.Grant), "DELETE": Answer()}
    takes = {"PATCH": objects.GrantUpdate}
    application_only = frozenset({"DELETE", "PATCH"})

    def get(self, _request: Request, **_path: str) -> Response:
        """Get a grant by id or e-mail address; `me` is the grant of the token that asks."""
        return self.success(grant_object(self.account))

    def patch(self, request: Request, **_path: str) -> Response:
        """Update how a mailbox is reached: what is left out stays. Its server is tried before anything is saved."""
        body = self.body(request)
        for name in body:
            if name not in ("settings", "scope"):
                raise InvalidRequest(f"Unknown field '{name}'. Allowed here: scope, settings.")
        form = SettingsForm(data=body.get("settings", {}), partial=True)
        form.is_valid(raise_exception=True)
        if not form.validated_data:
            return self.success(grant_object(self.account))
        try:
            return self.success(grant_object(reconnect(self.account, form.validated_data)))
        except ConnectRefused as error:
            raise refused(error) from error

    def delete(self, _request: Request, **_path: str) -> Response:
        """Remove a grant with all its data: it is gone at once, its data shortly after."""
        intent.remove(self.account.pk)
        return self.deleted()


def _filtered(grants: AccountQuerySet, query: dict[str, Any]) -> AccountQuerySet:
    columns = {"since": "created_at__gte", "before": "created_at__lt", "email": "email__iexact", "provider": "provider"}
    grants = grants.filter(**{lookup: query[name] for name, lookup in columns.items() if name in query})
    if "ip" in query:
        return grants.none()
    if "grant_status" not in query:
        return grants
    invalid = {"state": AccountState.INVALID}
    return grants.filter(**invalid) if query["grant_status"] == "invalid" else grants.exclude(**invalid)
