"""Query parameters: declared beside each view, read strictly, described in the OpenAPI document."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import QueryDict

from api.errors import InvalidRequest

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_INTEGER = re.compile(r"-?\d{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A query parameter. `read` turns its values (one or more strings) into what filters want, or raises ValueError."""

    name: str
    read: Callable[[list[str]], Any]
    about: str
    schema: dict[str, Any] = field(default_factory=lambda: {"type": "string"})


def as_uuid(text: str) -> UUID | None:
    """The id that a text is in its usual form; None if it is no id."""
    return UUID(text) if _UUID.fullmatch(text) else None


def read_query(given: QueryDict, declared: Sequence[Parameter]) -> dict[str, Any]:
    """The parameters that are given, read. Raises InvalidRequest that names the wrong or unknown one."""
    known = {parameter.name: parameter for parameter in declared}
    for name in given:
        if name not in known:
            allowed = ", ".join(sorted(known)) or "none"
            raise InvalidRequest(f"Unknown query parameter '{name}'. Allowed here: {allowed}.")
    return {name: _read(known[name], given.getlist(name)) for name in given}


def _read(parameter: Parameter, values: list[str]) -> Any:
    if any("\0" in value for value in values):  # PostgreSQL takes none
        raise InvalidRequest(f"The query parameter '{parameter.name}' must not hold a NUL.")
    try:
        return parameter.read(values)
    except ValueError as error:
        raise InvalidRequest(f"The query parameter '{parameter.name}' must be {error}.") from None


# --- kinds: each ValueError ends the sentence "The query parameter 'x' must be …" --------------------------------


def text(name: str, about: str) -> Parameter:
    """Any text, as given."""
    return Parameter(name, lambda values: values[-1], about)


def texts(name: str, about: str) -> Parameter:
    """A list, repeated or comma-joined; its items without surrounding spaces."""
    return Parameter(name, _items, f"{about} Repeated or separated by commas.")


def boolean(name: str, about: str) -> Parameter:
    """true or false, also True and False."""
    return Parameter(name, _boolean, about, {"type": "boolean"})


def moment(name: str, about: str) -> Parameter:
    """A time in Unix seconds."""
    return Parameter(name, _moment, f"{about} Unix seconds.", {"type": "integer"})


def number(name: str, about: str, *, default: int, least: int = 0, most: int | None = None) -> Parameter:
    """An integer of at least `least`; above `most` it is `most`."""
    schema = {"type": "integer", "default": default, "minimum": least} | ({"maximum": most} if most else {})

    def read(values: list[str]) -> int:
        wanted = _integer(values)
        if wanted < least:
            raise ValueError(f"at least {least}")
        return min(wanted, most) if most else wanted

    return Parameter(name, read, about, schema)


def choice(name: str, about: str, *options: str) -> Parameter:
    """One of the options."""

    def read(values: list[str]) -> str:
        if values[-1] not in options:
            raise ValueError(f"one of {', '.join(options)}")
        return values[-1]

    return Parameter(name, read, about, {"type": "string", "enum": list(options)})


def some_of(name: str, about: str, *options: str) -> Parameter:
    """Some of the options, repeated or comma-joined."""

    def read(values: list[str]) -> list[str]:
        found = _items(values)
        if not set(found) <= set(options):
            raise ValueError(f"of {', '.join(options)}")
        return found

    return Parameter(name, read, f"{about} Of {', '.join(options)}, repeated or separated by commas.")


def ids(name: str, about: str) -> Parameter:
    """Ids, repeated or comma-joined."""

    def read(values: list[str]) -> list[UUID]:
        found = [as_uuid(item) for item in _items(values)]
        if None in found:
            raise ValueError("an id as this API gives it")
        return [item for item in found if item is not None]

    return Parameter(name, read, about)


def _items(values: list[str]) -> list[str]:
    found = [item.strip() for value in values for item in value.split(",") if item.strip()]
    if not found:
        raise ValueError("a list with at least one item")
    return found


def _boolean(values: list[str]) -> bool:
    if values[-1].lower() not in ("true", "false"):
        raise ValueError("true or false")
    return values[-1].lower() == "true"


def _integer(values: list[str]) -> int:
    if not _INTEGER.fullmatch(values[-1]):
        raise ValueError("an integer")
    return int(values[-1])


def _moment(values: list[str]) -> datetime:
    seconds = _integer(values)
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        raise ValueError("a time in Unix seconds") from None
