"""What every endpoint of the contract has in common: a request id, a key, the grant of its path, checked parameters."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, cast

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Account, ApiKey
from api.auth import find_grant, require_application_key
from api.errors import NotBuilt
from api.openapi import Answer
from api.parameters import Parameter, read_query


class IdentifiedView(APIView):
    """Every answer has an id of its own and is kept by no cache."""

    request_id: str
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Django's hook before anything else runs."""
        super().setup(request, *args, **kwargs)
        self.request_id = str(uuid.uuid4())

    @property
    def default_response_headers(self) -> dict[str, str]:
        """Headers of every answer, errors included."""
        return {**super().default_response_headers, "x-request-id": self.request_id, "Cache-Control": "no-store"}


class ContractView(IdentifiedView):
    """An endpoint that wants a key. Subclasses declare per method what they take and give."""

    parameters: ClassVar[Mapping[str, Sequence[Parameter]]] = {}
    answers: ClassVar[Mapping[str, Answer]] = {}
    takes: ClassVar[Mapping[str, type]] = {}  # the shape of a request's body
    takes_files: ClassVar[bool] = False  # beside it, in a form (api.uploads)
    examples: ClassVar[Mapping[str, Mapping[str, Any]]] = {}  # of a body
    verbs: ClassVar[Mapping[str, str]] = {}  # what a method does, where its name does not say
    unbuilt: ClassVar[frozenset[str]] = frozenset()  # methods that answer 501
    application_only: ClassVar[frozenset[str]] = frozenset()  # methods that a grant access token may not use

    key: ApiKey
    query: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """In this order: key, grant, method, parameters. What a key may not see is not found, whatever is asked."""
        super().initial(request, *args, **kwargs)
        self.key = cast("ApiKey", request.auth)  # api.auth.BearerKey raises where there is none
        self.find_scope()
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method in self.application_only:
            require_application_key(self.key)
        if method in self.unbuilt:
            raise NotBuilt(f"{method} {request.path}")
        if method in self.allowed_methods:
            self.query = read_query(request.query_params, self.parameters.get(method, ()))

    def find_scope(self) -> None:
        """Look up what the path names. Raises NotFound."""

    def body(self, request: Request) -> dict[str, Any]:
        """The object that was sent (api.parsers takes no list), {} where nothing was.

        Django REST framework gives an empty form for that, in which its serializers see every boolean as false."""
        return dict(cast("dict[str, Any]", request.data))

    def success(self, data: Any, *, status: int = 200, next_cursor: str | None = None, **extra: Any) -> Response:
        """The contract's envelope. No next_cursor: there is no more."""
        more = {} if next_cursor is None else {"next_cursor": next_cursor}
        return Response({"request_id": self.request_id, "data": data, **more, **extra}, status=status)

    def deleted(self) -> Response:
        """200 with the request's id alone: a 204 breaks the SDKs."""
        return Response({"request_id": self.request_id})


class GrantView(ContractView):
    """An endpoint under /grants/{grant}."""

    account: Account

    def find_scope(self) -> None:
        """The grant, as far as the key may see it."""
        self.account = find_grant(self.key, self.kwargs["grant"])
