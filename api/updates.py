"""What a PUT or DELETE does to messages: here at once, on the server shortly after."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from uuid import UUID

from rest_framework import serializers

from accounts.models import Account
from api.errors import InvalidRequest, NotFound
from api.metadata import MetadataField
from api.parameters import as_uuid
from mail import actions, filing, metadata
from mail.models import Folder


class ChangesForm(serializers.Serializer[None]):
    """Checks objects.ThreadUpdate."""

    unread = serializers.BooleanField(required=False)
    starred = serializers.BooleanField(required=False)
    folders = serializers.ListField(child=serializers.CharField(), required=False, allow_empty=False, max_length=50)


class MessageForm(ChangesForm):
    """Checks objects.MessageUpdate."""

    metadata = MetadataField()


def read(account: Account, body: Mapping[str, Any], form: type[ChangesForm]) -> dict[str, Any]:
    """What a request's body changes. Raises InvalidRequest that names an unknown field or folder, ValidationError."""
    known = form().fields
    for name in body:
        if name not in known:
            raise InvalidRequest(f"Unknown field '{name}'. Allowed here: {', '.join(sorted(known))}.")
    checked = form(data=body)
    checked.is_valid(raise_exception=True)
    changes: dict[str, Any] = checked.validated_data
    if "folders" in changes:
        changes["folders"] = _folders(account, changes["folders"])
    return changes


def apply(account: Account, messages: Collection[UUID], changes: Mapping[str, Any]) -> None:
    """Change the messages. Raises NotFound if the grant is removed meanwhile."""
    told = {name: value for name, value in changes.items() if name != "metadata"}
    try:
        if told:
            actions.change(account.pk, messages, **told)
        if "metadata" in changes:
            for message in messages:
                metadata.set_metadata(account.pk, message, changes["metadata"])
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
    except filing.NotListedYet:
        raise
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
