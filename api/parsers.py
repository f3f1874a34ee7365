"""Reads request bodies: JSON objects of a bounded size."""

import io
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

from api.errors import TooLarge

LARGEST = 1024 * 1024  # bytes; what is read today is a grant's settings


class BoundedJSONParser(JSONParser):
    """JSON of at most LARGEST bytes: Django REST framework reads from the socket, past Django's own limit."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The object that the body holds. Raises ParseError, TooLarge."""
        body = stream.read(LARGEST + 1)
        if len(body) > LARGEST:
            raise TooLarge(f"The request's body is larger than {LARGEST} bytes.")
        try:
            parsed: Any = super().parse(io.BytesIO(body), media_type, parser_context)
        except RecursionError:
            raise ParseError("JSON parse error - nested too deeply") from None
        if not isinstance(parsed, dict):
            raise ParseError("The request's body must be a JSON object.")
        return parsed
