"""Errors in the contract's one format: {request_id, error: {type, message}}, whatever went wrong."""

import logging
import math
import uuid
from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response

from mail.sync.naming import NotListedYet
from mail.types import BodiesWithheld, LetterRefused, NoRoom, StoreUnavailable

log = logging.getLogger(__name__)

STORE_RETRY = 10  # seconds
BODIES_RETRY = 120
LISTING_RETRY = 10  # until an account that was just connected has its folders

TYPES = {
    401: "unauthorized",
    403: "unauthorized",
    404: "not_found_error",
    429: "rate_limit_error",
    500: "provider_error",
    503: "provider_error",
}


class InvalidRequest(exceptions.APIException):
    """The request makes no sense; the message says what to change."""

    status_code = 400


class NotFound(exceptions.NotFound):
    """It does not exist, or not for this key: the two must not be told apart."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is not found.")


class NotMirrored(exceptions.NotFound):
    """It exists on the mail server, and the mirror leaves its contents there; the message says why."""


class CursorGone(exceptions.APIException):
    """The change log no longer has what comes after the cursor."""

    status_code = 410


class TooLarge(exceptions.APIException):
    """The request's body is larger than this endpoint reads."""

    status_code = 413


class RangeNotSatisfiable(exceptions.APIException):
    """The range begins after the end; `whole` is how long the content is."""

    status_code = 416

    def __init__(self, whole: int) -> None:
        super().__init__(f"The range is not within the {whole} bytes there are.")
        self.whole = whole


class NotBuilt(exceptions.APIException):
    """The contract has this, this farm does not yet."""

    status_code = 501

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} is part of the contract, but is not built yet.")


class Unavailable(exceptions.APIException):
    """Something that the farm needs is away; the request may be made again after `wait` seconds."""

    status_code = 503

    def __init__(self, message: str, wait: int) -> None:
        super().__init__(message)
        self.wait = wait


class Conflict(exceptions.APIException):
    """It contradicts an earlier request."""

    status_code = 409


class NotSent(exceptions.APIException):
    """A message was not sent, or it is not known whether it was. `provider_error`: the server's words."""

    def __init__(self, status: int, message: str, provider_error: dict[str, Any]) -> None:
        super().__init__(message)
        self.status_code = status
        self.provider_error = provider_error


def answer(error: Exception, context: dict[str, Any]) -> Response:
    """Django REST framework's exception handler: every exception becomes an answer; unknown ones are logged."""
    known = _known(error)
    if known is None:
        log.error("request %s failed", context["view"].request_id, exc_info=error)
        known = exceptions.APIException("Something went wrong in the farm. Its log tells more under this request_id.")
    body = envelope(context["view"].request_id, known.status_code, _words(known.detail))
    if isinstance(known, NotSent):
        body["error"] |= {"type": "provider_error", "provider_error": known.provider_error}
    return Response(body, status=known.status_code, headers=_headers(known))


def envelope(request_id: str, status: int, message: str) -> dict[str, Any]:
    """The body of an error answer."""
    text = message.encode(errors="replace").decode()  # a lone surrogate from somebody's JSON cannot be sent back
    return {"request_id": request_id, "error": {"type": TYPES.get(status, "invalid_request_error"), "message": text}}


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(math.ceil(wait))
    if isinstance(error, RangeNotSatisfiable):
        headers["Content-Range"] = f"bytes */{error.whole}"
    return headers


_KNOWN: dict[type[Exception], Callable[[Exception], exceptions.APIException]] = {
    Http404: lambda _: NotFound("The path"),
    PermissionDenied: lambda _: exceptions.PermissionDenied(),
    RequestDataTooBig: lambda _: TooLarge("The request's body is too large."),
    BodiesWithheld: lambda _: Unavailable(
        f"{BodiesWithheld()} Try again, or leave out body with 'select'.", BODIES_RETRY
    ),
    NoRoom: lambda _: Unavailable("The farm has no room left for what is uploaded.", wait=STORE_RETRY),
    StoreUnavailable: lambda _: Unavailable("The store of raw mail cannot be reached.", wait=STORE_RETRY),
    LetterRefused: lambda error: InvalidRequest(str(error)),
    NotListedYet: lambda error: Unavailable(str(error), wait=LISTING_RETRY),
    SuspiciousOperation: lambda _: InvalidRequest("The request is malformed."),
}


def _known(error: Exception) -> exceptions.APIException | None:
    if isinstance(error, exceptions.APIException):
        return error
    return next((make(error) for kind, make in _KNOWN.items() if isinstance(error, kind)), None)


def _words(detail: Any, field: str = "") -> str:
    """A validation error's tree as a sentence a field: "settings.imap_port: A valid integer is required."."""
    if isinstance(detail, dict):
        return " ".join(_words(value, f"{field}.{name}" if field else str(name)) for name, value in detail.items())
    if isinstance(detail, list):
        return " ".join(_words(value, field) for value in detail)
    return f"{field}: {detail}" if field else str(detail)


# --- outside of any view: the project's handler400, handler404 and handler500, and syncfarm.bodies ---------------


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler400: a host or a path that Django refuses."""
    if not _is_api(request):
        return defaults.bad_request(request, exception)
    return outside(400, "The request is malformed.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """handler404."""
    return outside(404, "The path is not found.") if _is_api(request) else defaults.page_not_found(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """handler500: a failure outside of the views, for example while an answer is rendered. Django logs it."""
    return outside(500, "Something went wrong in the farm.") if _is_api(request) else defaults.server_error(request)


def _is_api(request: HttpRequest) -> bool:
    return request.path.startswith("/v3/") or request.path == "/v3"


def outside(status: int, message: str) -> JsonResponse:
    """An error's answer where no view made the request's id."""
    request_id = str(uuid.uuid4())
    return JsonResponse(envelope(request_id, status, message), status=status, headers={"x-request-id": request_id})
