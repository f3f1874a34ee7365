"""What a PUT or DELETE does to messages: here at once, on the server shortly after."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from rest_framework import serializers

from accounts.models import Account
from api.errors import InvalidRequest, NotBuilt, NotFound
from api.parameters import as_uuid
from mail import actions, filing
from mail.models import Folder


class ChangesForm(serializers.Serializer[None]):
    """Checks objects.MessageUpdate and objects.ThreadUpdate."""

    unread = serializers.BooleanField(required=False)
    starred = serializers.BooleanField(required=False)
    folders = serializers.ListField(child=serializers.CharField(), required=False, allow_empty=False, max_length=50)


def read(account: Account, body: Mapping[str, Any], unbuilt: Collection[str] = ()) -> dict[str, Any]:
    """What a request's body changes. `unbuilt`: fields of the contract that cannot be changed yet.

    Raises InvalidRequest that names an unknown field or folder, NotBuilt, ValidationError."""
    known = {*ChangesForm().fields, *unbuilt}
    for name in body:
        if name not in known:
            raise InvalidRequest(f"Unknown field '{name}'. Allowed here: {', '.join(sorted(known))}.")
    for name in unbuilt:
        if name in body:
            raise NotBuilt(f"Changing '{name}'")
    form = ChangesForm(data=body)
    form.is_valid(raise_exception=True)
    changes: dict[str, Any] = form.validated_data
    if "folders" in changes:
        changes["folders"] = _folders(account, changes["folders"])
    return changes


def apply(account: Account, messages: Collection[UUID], changes: Mapping[str, Any]) -> None:
    """Change the messages. Raises NotFound if the grant is removed meanwhile."""
    if not changes:
        return
    try:
        actions.change(account.pk, messages, **changes)
    except Account.DoesNotExist:
        raise NotFound("The grant") from None


def delete(account: Account, messages: Iterable[Any], *, hard: bool) -> None:
    """Move messages to the trash, which is made where there is none, or, with `hard`, delete them for good. One that is
    in the trash stays there. Raises InvalidRequest where no trash can be made, NotFound if the grant is removed
    meanwhile."""
    try:
        if hard:
            actions.delete(account.pk, [message.pk for message in messages])
            return
        trash = filing.ensure_folder(account.pk, "trash")
        actions.change(account.pk, [each.pk for each in messages if each.folder_ids != [trash]], folders=[trash])
    except filing.NameRefused as error:
        raise InvalidRequest(f"This mailbox has no trash, and none can be made: {error}") from None
    except Account.DoesNotExist:
        raise NotFound("The grant") from None


def _folders(account: Account, given: Iterable[str]) -> list[UUID]:
    wanted = {text: as_uuid(text) for text in given}
    ids = [folder for folder in wanted.values() if folder]
    there = (
        Folder.objects.shown().filter(account_id=account.pk, selectable=True, pk__in=ids).values_list("pk", flat=True)
    )
    held = set(there)
    for text, folder in wanted.items():
        if folder not in held:
            raise InvalidRequest(f"folders: {text!r} is not a folder of this grant that can hold messages.")
    return sorted(held)
