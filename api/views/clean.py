"""G/messages/clean: what the authors of messages wrote, without what they quote and sign with."""

from collections.abc import Sequence
from typing import Any

import orjson
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from api import objects
from api.errors import InvalidRequest, NotFound
from api.openapi import Answer
from api.pagination import fitting
from api.parameters import as_uuid
from api.selection import SELECT, pick, wants
from api.serializers import messages
from api.views.contract import GrantView
from api.views.messages import find_message
from mail import bodies
from mail.clean import Wishes, clean
from mail.models import Message
from mail.rows import MessageRow

MOST = 20


class CleanForm(serializers.Serializer[None]):
    """Checks objects.CleanRequest."""

    message_id = serializers.ListField(child=serializers.CharField(max_length=1000), min_length=1, max_length=MOST)
    ignore_links = serializers.BooleanField(default=True)
    ignore_images = serializers.BooleanField(default=True)
    ignore_tables = serializers.BooleanField(default=True)
    images_as_markdown = serializers.BooleanField(default=True)
    html_as_markdown = serializers.BooleanField(default=False)
    remove_conclusion_phrases = serializers.BooleanField(default=True)


class CleanMessages(GrantView):
    """Messages, and what is new in them."""

    parameters = {"PUT": (SELECT,)}
    answers = {"PUT": Answer(objects.CleanMessage, many=True)}
    takes = {"PUT": objects.CleanRequest}

    def put(self, request: Request, **_path: str) -> Response:
        """Clean up to 20 messages: `conversation` is the body without quotations, signature and closing phrase."""
        identifiers, wishes = _read(self.body(request))
        rows = self._find(identifiers)
        if len(fitting([(row, row.size) for row in rows])) < len(rows):
            raise InvalidRequest("These messages are too large together. Clean fewer at once.")
        shown = bodies.shown(Message.objects.filter(pk__in=[row.pk for row in rows]))
        contents = messages.Contents({row.pk: orjson.dumps(shown.get(row.pk, bodies.EMPTY).text) for row in rows}
                                     if wants(self.query, "body") else None)  # fmt: skip
        data = [
            {**messages.message(row, contents), "conversation": _conversation(shown.get(row.pk, bodies.EMPTY), wishes)}
            for row in rows
        ]
        return self.success(pick(self.query, data, "message"))

    def _find(self, identifiers: Sequence[str]) -> list[MessageRow]:
        """The messages in the order of their ids or Message-ID headers, each once. Raises NotFound that names one."""
        ids = {identifier: as_uuid(identifier) for identifier in dict.fromkeys(identifiers)}
        known = {row.pk: row for row in messages.load(self.account, [each for each in ids.values() if each])}
        found: dict[Any, MessageRow] = {}
        for identifier, message_id in ids.items():
            row = known.get(message_id) if message_id else None
            if row is None:
                row = self._by_header(identifier)
            found[row.pk] = row
        return list(found.values())

    def _by_header(self, identifier: str) -> MessageRow:
        try:
            return messages.load_one(self.account, find_message(self.account, identifier).pk)
        except NotFound:
            raise NotFound(f"The message '{identifier}'") from None


def _read(body: dict[str, Any]) -> tuple[list[str], Wishes]:
    """Raises InvalidRequest that names an unknown field, ValidationError."""
    form = CleanForm(data=body)
    for name in body:
        if name not in form.fields:
            raise InvalidRequest(f"Unknown field '{name}'. Allowed here: {', '.join(sorted(form.fields))}.")
    form.is_valid(raise_exception=True)
    given = dict(form.validated_data)
    return given.pop("message_id"), Wishes(**given)


def _conversation(body: bodies.Body, wishes: Wishes) -> str:
    return clean(body.text, wishes, is_html=body.is_html)
