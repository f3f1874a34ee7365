"""What a POST, PUT or DELETE does to folders: here at once, on the server shortly after."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from rest_framework import serializers

from accounts.models import Account
from api.errors import InvalidRequest, NotFound
from api.parameters import as_uuid
from mail import filing
from mail.sync.naming import LONGEST


class FolderForm(serializers.Serializer[None]):
    """Checks objects.NewFolder and objects.FolderUpdate."""

    name = serializers.CharField(required=False, max_length=LONGEST)
    parent_id = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    background_color = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    text_color = serializers.CharField(required=False, allow_null=True, allow_blank=True)


def make_folder(account: Account, body: Mapping[str, Any]) -> UUID:
    """Raises InvalidRequest, NotFound, Unavailable, ValidationError."""
    given = _read(body)
    if "name" not in given:
        raise InvalidRequest("name: This field is required.")
    with _refusals():
        return filing.make_folder(account.pk, given["name"], _parent(given))


def change_folder(account: Account, folder: str, body: Mapping[str, Any]) -> None:
    """Raises InvalidRequest, NotFound, ValidationError."""
    given = _read(body)
    with _refusals():
        filing.change_folder(account.pk, _id(folder), given.get("name"), _parent(given), moves="parent_id" in given)


def delete_folder(account: Account, folder: str) -> None:
    """Raises InvalidRequest, NotFound."""
    with _refusals():
        filing.delete_folder(account.pk, _id(folder))


def _read(body: Mapping[str, Any]) -> dict[str, Any]:
    known = FolderForm().fields
    for name in body:
        if name not in known:
            raise InvalidRequest(f"Unknown field '{name}'. Allowed here: {', '.join(sorted(known))}.")
    form = FolderForm(data=body)
    form.is_valid(raise_exception=True)
    given: dict[str, Any] = form.validated_data
    return given


def _parent(given: Mapping[str, Any]) -> UUID | None:
    text = given.get("parent_id")
    parent = as_uuid(text) if text else None
    if text and parent is None:
        raise InvalidRequest("parent_id: there is no such folder in this grant.")
    return parent


def _id(folder: str) -> UUID:
    found = as_uuid(folder)
    if found is None:
        raise NotFound("The folder")
    return found


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except filing.NotListedYet:
        raise
    except filing.NameRefused as error:
        raise InvalidRequest(str(error)) from None
    except filing.FolderUnknown:
        raise NotFound("The folder") from None
    except Account.DoesNotExist:
        raise NotFound("The grant") from None
