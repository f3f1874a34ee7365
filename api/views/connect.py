"""connect/custom: a mailbox becomes a grant. providers/detect: which servers an address has."""

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.detect import DetectionFailed, detect
from api import objects
from api.errors import InvalidRequest
from api.openapi import Answer
from api.parameters import boolean, text
from api.serializers.grants import grant
from api.views.contract import ContractView
from mail.connecting import ConnectOptions, ConnectRefused, connect, release_database_connection

_SECURITY = ("tls", "starttls", "none")
_BUILT = ("imap",)


class SettingsForm(serializers.Serializer[None]):
    """Checks objects.GrantSettings. A setting that the contract has and IMAP does not need is left unread."""

    imap_username = serializers.CharField(max_length=320)
    imap_password = serializers.CharField(max_length=1000, trim_whitespace=False)
    imap_host = serializers.CharField(max_length=253, required=False)
    imap_port = serializers.IntegerField(min_value=1, max_value=65535, required=False)
    imap_security = serializers.ChoiceField(_SECURITY, required=False)
    smtp_username = serializers.CharField(max_length=320, required=False)
    smtp_password = serializers.CharField(max_length=1000, trim_whitespace=False, required=False)
    smtp_host = serializers.CharField(max_length=253, required=False)
    smtp_port = serializers.IntegerField(min_value=1, max_value=65535, required=False)
    smtp_security = serializers.ChoiceField(_SECURITY, required=False)


class GrantForm(serializers.Serializer[None]):
    """Checks objects.GrantRequest."""

    provider = serializers.ChoiceField(_BUILT)
    settings = SettingsForm()
    email = serializers.CharField(max_length=320, required=False)
    name = serializers.CharField(max_length=200, required=False)


class ConnectCustom(ContractView):
    """Connects a mailbox."""

    answers = {"POST": Answer(objects.Grant, status=201)}
    takes = {"POST": objects.GrantRequest}
    application_only = frozenset({"POST"})

    def post(self, request: Request) -> Response:
        """Connect a mailbox; its server is tried before it is saved. A known address gets the new settings."""
        form = GrantForm(data=request.data)
        form.is_valid(raise_exception=True)
        values, settings = form.validated_data, form.validated_data["settings"]
        email = values.get("email", settings["imap_username"])
        try:
            account = connect(self.key.application, email, ConnectOptions(**settings, name=values.get("name", "")))
        except ConnectRefused as error:
            raise refused(error) from error
        return self.success(grant(account), status=201)


def refused(error: ConnectRefused) -> InvalidRequest:
    """The answer, which names the setting that is wrong."""
    return InvalidRequest(f"settings.{error.field}: {error}" if error.field else str(error))


class DetectProvider(ContractView):
    """Tells which servers an address has."""

    parameters = {
        "POST": (
            text("email", "The address."),
            boolean("all_provider_types", "Accepted: all that this farm knows are always tried."),
        )
    }
    answers = {"POST": Answer(objects.Detection)}
    application_only = frozenset({"POST"})

    def post(self, _request: Request) -> Response:
        """Detect the provider of an address."""
        email = self.query.get("email", "").strip()
        if not email:
            raise InvalidRequest("The query parameter 'email' is needed.")
        release_database_connection()
        try:
            found = detect(email)
        except DetectionFailed:
            return self.success({"email_address": email, "detected": False, "provider": None, "type": None})
        kind = found.provider or "generic"
        return self.success({"email_address": email, "detected": True, "provider": "imap", "type": kind})
