"""What a PUT may change of messages: flags, here at once and on the server shortly after."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from rest_framework import serializers

from accounts.models import Account
from api.errors import InvalidRequest, NotBuilt, NotFound
from mail import actions


class FlagsForm(serializers.Serializer[None]):
    """Checks objects.MessageUpdate and objects.ThreadUpdate."""

    unread = serializers.BooleanField(required=False)
    starred = serializers.BooleanField(required=False)


def read(body: Mapping[str, Any], unbuilt: Collection[str]) -> Mapping[str, bool]:
    """The flags that a request's body changes. `unbuilt`: fields of the contract that cannot be changed yet.

    Raises InvalidRequest that names an unknown field, NotBuilt, ValidationError."""
    known = {*FlagsForm().fields, *unbuilt}
    for name in body:
        if name not in known:
            raise InvalidRequest(f"Unknown field '{name}'. Allowed here: {', '.join(sorted(known))}.")
    for name in unbuilt:
        if name in body:
            raise NotBuilt(f"Changing '{name}'")
    form = FlagsForm(data=body)
    form.is_valid(raise_exception=True)
    flags: Mapping[str, bool] = form.validated_data
    return flags


def apply(account: Account, messages: Collection[UUID], flags: Mapping[str, bool]) -> None:
    """Change the messages. Raises NotFound if the grant is removed meanwhile."""
    if not flags:
        return
    try:
        actions.change_flags(account.pk, messages, **flags)
    except Account.DoesNotExist:
        raise NotFound("The grant") from None
