"""G/attachments: what a part is, and its bytes. Never rendered: a mail's HTML must not run in the farm's origin."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.http import HttpResponseBase
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account
from api import objects
from api.downloads import bytes_response
from api.errors import NotFound, NotMirrored
from api.openapi import Answer
from api.parameters import text
from api.selection import QUERY_IMAP, SELECT, pick
from api.serializers import messages
from api.views.contract import GrantView
from mail import mime, raw
from mail.models import Message

_ID = re.compile(r"([0-9a-f]{32})p(\d{1,9})", re.ASCII)
_OF_MESSAGE = text("message_id", "The message it is in, by id or Message-ID; checked when given.")


def find_attachment(account: Account, identifier: str, message: str | None) -> tuple[Message, Mapping[str, Any]]:
    """The message and its entry of Message.attachments. Raises NotFound, also when it is in another message."""
    match = _ID.fullmatch(identifier)
    row = Message.objects.shown().filter(account_id=account.pk, pk=match[1]).first() if match else None
    if match is None or row is None or (message is not None and not _names(message, row)):
        raise NotFound("The attachment")
    for part in row.attachments:
        if part["part"] == int(match[2]):
            return row, part
    raise NotFound("The attachment")


class AnyMedia(BaseContentNegotiation):
    """Whatever the client accepts: bytes are sent as they are, errors as JSON."""

    def select_renderer(
        self,
        request: Request,  # noqa: ARG002 -- its signature
        renderers: Any,
        format_suffix: str | None = None,  # noqa: ARG002 -- its signature
    ) -> tuple[BaseRenderer, str]:
        """The only renderer there is."""
        return renderers[0], renderers[0].media_type


class AttachmentItem(GrantView):
    """What an attachment is."""

    parameters = {"GET": (_OF_MESSAGE, QUERY_IMAP, SELECT)}
    answers = {"GET": Answer(objects.Attachment)}

    def get(self, _request: Request, attachment: str, **_path: str) -> Response:
        """Get an attachment's name, type and size."""
        row, part = find_attachment(self.account, attachment, self.query.get("message_id"))
        return self.success(pick(self.query, [messages.attachment(row, part)], "attachment")[0])


class AttachmentDownload(GrantView):
    """An attachment's bytes."""

    content_negotiation_class = AnyMedia
    parameters = {"GET": (_OF_MESSAGE, QUERY_IMAP)}
    answers = {"GET": Answer(media="*/*")}  # the type that its sender gave it

    def get(self, request: Request, attachment: str, **_path: str) -> HttpResponseBase:
        """Download an attachment, whole or a range of it. Of a message over the farm's size limit there is none: 404
        says so."""
        row, part = find_attachment(self.account, attachment, self.query.get("message_id"))
        whole, pieces = _content(row, part["part"])
        return bytes_response(request, whole, pieces, part["filename"], part["content_type"], f'"{attachment}"')


def _content(row: Message, part: int) -> tuple[int, Iterator[bytes]]:
    """Raises NotFound, and NotMirrored where the message was too large."""
    mail = raw.stored(row)
    if mail is None:
        raise NotFound("The attachment's content")
    if row.problem and raw.is_header(row, mail):
        raise NotMirrored(f"The attachment's content is not mirrored. Its message has {row.problem}.")
    try:
        return mime.attachment_pieces(mail, part)
    except IndexError:
        raise NotFound("The attachment's content") from None


def _names(message: str, row: Message) -> bool:
    return message.lower() == str(row.pk) or message.strip().removeprefix("<").removesuffix(">") == row.header_id
