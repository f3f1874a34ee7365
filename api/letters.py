"""What a request says of a message to be written, and the letter that it becomes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from accounts.models import Account
from api.errors import InvalidRequest
from api.metadata import MetadataField
from mail import compose, mailing
from mail.models import Message
from mail.types import Address, File, Letter

SOONEST, LATEST = timedelta(minutes=1), timedelta(days=30)
_ADDRESSES = ("to", "cc", "bcc", "reply_to")


class PersonForm(serializers.Serializer[None]):
    """An address of a header."""

    name = serializers.CharField(required=False, allow_blank=True, allow_null=True, trim_whitespace=False)
    email = serializers.CharField(allow_blank=True)


class HeaderForm(serializers.Serializer[None]):
    """A header of the author's own."""

    name = serializers.CharField()
    value = serializers.CharField(allow_blank=True, trim_whitespace=False)


class LetterForm(serializers.Serializer[None]):
    """Checks objects.DraftRequest and objects.SendRequest, but for attachments (api.uploads)."""

    subject = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    body = serializers.CharField(required=False, allow_blank=True, trim_whitespace=False)
    to = PersonForm(many=True, required=False)
    cc = PersonForm(many=True, required=False)
    bcc = PersonForm(many=True, required=False)
    reply_to = PersonForm(many=True, required=False)
    is_plaintext = serializers.BooleanField(required=False)
    starred = serializers.BooleanField(required=False)
    send_at = serializers.IntegerField(required=False, allow_null=True, min_value=0, max_value=2**40)
    reply_to_message_id = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    custom_headers = HeaderForm(many=True, required=False)
    metadata = MetadataField()
    tracking_options = serializers.DictField(required=False, allow_null=True)
    use_draft = serializers.BooleanField(required=False, allow_null=True)


LetterForm._declared_fields["from"] = PersonForm(many=True, required=False)  # noqa: SLF001 -- a keyword is no attribute
_KNOWN = {*LetterForm().fields, "attachments"}
# What servers' own clients send back of an object that they were given.
_IGNORED = frozenset({"id", "object", "grant_id", "thread_id", "date", "folders", "unread", "snippet", "created_at"})


def read(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields, checked. Raises InvalidRequest that names an unknown field or every bad address, ValidationError."""
    for name in fields:
        if name not in _KNOWN | _IGNORED:
            raise InvalidRequest(f"Unknown field '{name}'. Allowed here: {', '.join(sorted(_KNOWN))}.")
    given = {name: value for name, value in fields.items() if value is not None and name in _KNOWN}
    form = LetterForm(data=given)
    form.is_valid(raise_exception=True)
    read_: dict[str, Any] = dict(form.validated_data)
    _check_addresses(read_)
    headers = [(each["name"], each["value"]) for each in read_.get("custom_headers", ())]
    if complaints := compose.check_headers(headers):
        raise InvalidRequest(f"custom_headers: {' '.join(complaints)}")
    return read_


def written(account: Account, fields: Mapping[str, Any], files: Sequence[File], answered: Message | None) -> Letter:
    """A new letter. `answered`: the message that it answers. Raises StoreUnavailable."""
    sender = _people(fields.get("from", ()))[:1] or (Address(account.name, account.email),)
    letter = Letter(
        sender=sender[0],
        to=(),
        cc=(),
        bcc=(),
        reply_to=(),
        subject="",
        body="",
        is_plaintext=False,
        files=(),
        headers=(),
        header_id=compose.new_header_id(sender[0].email),
        date=timezone.now(),
    )
    return mailing.in_answer(changed(letter, fields, files), answered)


def changed(letter: Letter, fields: Mapping[str, Any], files: Sequence[File] | None) -> Letter:
    """The letter with what is given. `files`: None: they stay."""
    told: dict[str, Any] = {name: _people(fields[name]) for name in _ADDRESSES if name in fields}
    told |= {name: fields[name] for name in ("subject", "body", "is_plaintext") if name in fields}
    if "custom_headers" in fields:
        told["headers"] = tuple((each["name"], each["value"]) for each in fields["custom_headers"])
    if sender := _people(fields.get("from", ())):
        told["sender"] = sender[0]
    if files is not None:
        told["files"] = tuple(files)
    return replace(letter, **told, date=timezone.now())


def send_time(fields: Mapping[str, Any]) -> datetime | None:
    """When it is to be sent; None: now. Raises InvalidRequest."""
    if not fields.get("send_at"):
        return None
    now = timezone.now()
    wanted = datetime.fromtimestamp(fields["send_at"], tz=now.tzinfo) if fields["send_at"] < 2**36 else None
    if wanted is None or not now + SOONEST - timedelta(seconds=5) <= wanted <= now + LATEST:
        raise InvalidRequest("send_at must be Unix seconds between 1 minute and 30 days from now.")
    return wanted


def _check_addresses(fields: Mapping[str, Any]) -> None:
    people = {name: _people(fields[name]) for name in (*_ADDRESSES, "from") if name in fields}
    complaints = [
        f"{name}: {bad.address.email or bad.address.name!r}: {bad.reason}"
        for name, addresses in people.items()
        for bad in compose.check_addresses(addresses)
    ]
    if len(people.get("from", ())) > 1:
        complaints.append("from: one sender, not several.")
    if complaints:
        raise InvalidRequest(" ".join(complaints))


def _people(given: Iterable[Mapping[str, Any]]) -> tuple[Address, ...]:
    return tuple(Address(each.get("name") or "", each["email"].strip()) for each in given)
