"""Sending for somebody who waits for the answer, and what it says."""

import hashlib
import json
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError
from rest_framework.response import Response

from accounts.models import Account
from api.errors import Conflict, InvalidRequest, NotFound, NotSent
from api.serializers import messages
from api.views.contract import GrantView
from mail import mime, sending
from mail.connecting import release_database_connection
from mail.models import Outgoing, OutgoingState
from mail.sending import Mail
from mail.types import File, Octets

WAIT = 25.0  # seconds; proxies wait for 30 as a rule
_OVER = (OutgoingState.SENT, OutgoingState.FAILED, OutgoingState.UNCERTAIN, OutgoingState.CANCELLED)
_LONGEST_KEY = 256


def send(
    view: GrantView, mail: Mail, send_at: datetime | None = None, key: str | None = None, asked: bytes = b""
) -> Response:
    """Have it sent, and answer how that went. `key`, `asked`: the request's Idempotency-Key and what it asks for.
    Raises InvalidRequest, Conflict, NotSent."""
    account = view.account
    if not account.settings.get("smtp_host"):
        raise InvalidRequest("This grant has no server to send by: PATCH it with settings.smtp_host.")
    try:
        row = sending.queue(account.pk, mail, send_at=send_at, key=key, fingerprint=asked)
    except IntegrityError:
        row = _earlier(view, key or "", asked)
    except Account.DoesNotExist:
        raise NotFound("The grant") from None
    return answer(view, row)


def _earlier(view: GrantView, key: str, asked: bytes) -> Outgoing:
    """What an Idempotency-Key was used for before. Raises Outgoing.DoesNotExist, and Conflict if for something else."""
    row = Outgoing.objects.defer("octets").get(account_id=view.account.pk, idempotency_key=key)
    if bytes(row.fingerprint or b"") != asked:
        raise Conflict("This Idempotency-Key was used for another request within the last hour.")
    view.headers["Idempotent-Response"] = "true"  # of the answer, an error's too
    return row


def replayed(view: GrantView, key: str | None, asked: bytes) -> Response | None:
    """The answer to a request that was made before. Raises InvalidRequest, Conflict, NotSent."""
    if key is None:
        return None
    if not 0 < len(key) <= _LONGEST_KEY or not key.isprintable():
        raise InvalidRequest(f"The header Idempotency-Key must have 1 to {_LONGEST_KEY} printable characters.")
    try:
        row = _earlier(view, key, asked)
    except Outgoing.DoesNotExist:
        return None
    return answer(view, row)


def mime_fingerprint(octets: Octets) -> bytes:
    """The same of a request that brings the message itself."""
    return hashlib.sha256(octets).digest()


def fingerprint(fields: Mapping[str, Any], files: Sequence[File]) -> bytes:
    """What a request asks for."""
    said = hashlib.sha256(json.dumps(fields, sort_keys=True, default=str).encode("utf-8", "replace"))
    for file in files:
        names = [file.filename, file.content_type, file.content_id, file.is_inline]
        said.update(json.dumps(names).encode("utf-8", "replace"))
        said.update(hashlib.sha256(file.content).digest())
    return said.digest()


def answer(view: GrantView, row: Outgoing) -> Response:
    """How it went, waiting for that where it is to be sent now. Raises NotSent."""
    about: dict[str, Any] = {"grant_id": str(row.account_id)}
    if row.send_at:
        about["schedule_id"] = str(row.pk)
        return view.success(_scheduled(row), status=202, **about)
    ended = _ended(row)
    if ended.state != OutgoingState.SENT:
        raise _not_sent(ended)
    if ended.refused:
        about["refused"] = ended.refused
    found = messages.load(view.account, [ended.message_id]) if ended.message_id else []
    if not found:  # by now; or the mailbox keeps no copies
        return view.success({"grant_id": str(row.account_id), "object": "message", "subject": row.subject}, **about)
    return view.success(messages.message(found[0], messages.load_contents(found, view.query)), **about)


def _not_sent(row: Outgoing) -> NotSent:
    told: dict[str, Any] = {"status": row.state, "send_id": str(row.pk)}
    if row.refused:
        told["refused"] = row.refused
    if row.state == OutgoingState.FAILED:
        return NotSent(503 if row.may_pass else 400, f"The message was not sent. {row.error}", told)
    if row.state == OutgoingState.UNCERTAIN:
        return NotSent(504, row.error, told)
    if row.state == OutgoingState.CANCELLED:
        return NotSent(409, "The message was cancelled before it was sent.", told)
    words = "The message is still being sent. Do not send it again: repeat this request with its Idempotency-Key."
    return NotSent(504, f"{words} {row.error}".strip(), told)


def _ended(row: Outgoing) -> Outgoing:
    until, pause = time.monotonic() + WAIT, 0.02
    while row.state not in _OVER and time.monotonic() < until:
        release_database_connection()
        time.sleep(pause)
        pause = min(pause * 1.3, 1.0)
        row = Outgoing.objects.defer("octets").get(pk=row.pk)
    return row


def _scheduled(row: Outgoing) -> dict[str, Any]:
    """What will be sent, in place of the message that there is not yet."""
    octets = sending.octets_of(Outgoing.objects.get(pk=row.pk)) if row.state == OutgoingState.SCHEDULED else b""
    parsed = mime.parse(octets)
    people = {
        name: [{"name": each.name, "email": each.email} for each in addresses]
        for name, addresses in (
            ("from", parsed.from_),
            ("to", parsed.to),
            ("cc", parsed.cc),
            ("bcc", parsed.bcc),
            ("reply_to", parsed.reply_to),
        )
    }
    return {
        "grant_id": str(row.account_id),
        "object": "message",
        "schedule_id": str(row.pk),
        "send_at": int(row.send_at.timestamp()) if row.send_at else None,
        "subject": row.subject,
        "body": parsed.html or parsed.text,
        **people,
    }
