"""applications: the customer that a key belongs to."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import applications
from accounts.models import Application
from api import objects
from api.errors import InvalidRequest, NotBuilt
from api.openapi import Answer
from api.views.contract import ContractView

# Of the contract, for pages that this farm does not have.
_UNBUILT = frozenset({"hosted_authentication", "idp_settings", "callback_uris", "domain", "additional_settings"})


class BrandingForm(serializers.Serializer[None]):
    """Checks objects.Branding."""

    name = serializers.CharField(max_length=200, required=False)


class ApplicationForm(serializers.Serializer[None]):
    """Checks objects.ApplicationUpdate."""

    branding = BrandingForm(required=False)


class ApplicationItem(ContractView):
    """The application of the key."""

    answers = {"GET": Answer(objects.Application), "PATCH": Answer(objects.Application)}
    takes = {"PATCH": objects.ApplicationUpdate}
    application_only = frozenset({"GET", "PATCH"})

    def get(self, _request: Request) -> Response:
        """Get the application that the key belongs to."""
        return self.success(_application(self.key.application))

    def patch(self, request: Request) -> Response:
        """Rename the application."""
        body = self.body(request)
        for name in body:
            if name in _UNBUILT:
                raise NotBuilt(f"Changing '{name}'")
            if name != "branding":
                raise InvalidRequest(f"Unknown field '{name}'. Allowed here: branding.")
        form = ApplicationForm(data=body)
        form.is_valid(raise_exception=True)
        name = form.validated_data.get("branding", {}).get("name")
        if name is not None:
            try:
                applications.rename(self.key.application, name)
            except applications.NameTaken:
                raise InvalidRequest("branding.name: Another application of this farm has this name.") from None
        return self.success(_application(self.key.application))


def _application(row: Application) -> objects.Application:
    """A farm is one organization and one region."""
    return {
        "application_id": str(row.pk),
        "organization_id": str(row.pk),
        "region": "self-hosted",
        "environment": "production",
        "branding": {"name": row.name},
        "created_at": int(row.created_at.timestamp()),
    }
