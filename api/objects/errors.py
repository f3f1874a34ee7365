"""What went wrong."""

from typing import Any, Literal, NotRequired, TypedDict


class Problem(TypedDict):
    """What went wrong. A provider's own words, where there are any, are in provider_error."""

    type: Literal["invalid_request_error", "unauthorized", "not_found_error", "rate_limit_error", "provider_error"]
    message: str
    provider_error: NotRequired[dict[str, Any]]


class Failure(TypedDict):
    """Every error answer."""

    request_id: str
    error: Problem
