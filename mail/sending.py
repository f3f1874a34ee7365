"""Sending: a message is a row until its recipients' server has it, and each step is committed before the next.

A server may take a message and be cut off before it says so, or the worker may die then. Such a message is uncertain:
it is reported, and never sent again by itself.
"""

import logging
import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from celery import current_app
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts import credentials, network, presets
from accounts.models import Account
from mail import actions, compose, filing, raw, smtp, store
from mail.claiming import renewed
from mail.intent import NUDGE
from mail.making import Making
from mail.models import Outgoing, OutgoingState
from mail.sync.schedule import retry_delay
from mail.types import (
    AuthenticationFailed,
    Delivery,
    Login,
    MailError,
    Refusal,
    SendRefused,
    SendUncertain,
)

log = logging.getLogger(__name__)

ANSWER = 15.0  # seconds that a submission server has for each answer
PATIENCE = timedelta(hours=6)  # with a server that does not take a scheduled message now
AT_ONCE = timedelta(seconds=12)  # the same where somebody waits for the answer
FILED_WITHIN = timedelta(seconds=30)  # by providers that keep a copy of what is sent by themselves
UNCERTAIN = (
    "The connection to the server broke after it had been given the message and before it said that it had taken it. "
    "It may have been sent. It is not sent again by itself."
)
_LARGEST = 256 * 1024 * 1024  # octets; what is accepted is far less


@dataclass(frozen=True, slots=True)
class Mail:
    """What is to be sent. `octets`: the message with its Bcc; `draft`: the message that it was written as, and that
    goes."""

    octets: bytes
    header_id: str
    subject: str
    sender: str
    recipients: tuple[str, ...]
    draft: UUID | None = None
    starred: bool = False
    metadata: dict[str, Any] | None = None


class Overtaken(Exception):
    """It was cancelled just before it was sent, or another worker has it."""


def queue(
    account_id: UUID, mail: Mail, *, send_at: datetime | None = None, key: str | None = None, fingerprint: bytes = b""
) -> Outgoing:
    """Have a message sent, now or then; a draft that is on its way is not sent twice. Raises IntegrityError if the
    `key` was used before, Account.DoesNotExist."""
    with store.beside(account_id) as batch:
        if mail.draft and (under_way := store.outgoing_draft(batch, mail.draft)):
            return under_way
        row = store.add_outgoing(
            batch,
            {
                "octets": raw.compress(mail.octets),
                "header_id": mail.header_id,
                "subject": mail.subject,
                "sender": mail.sender,
                "recipients": list(mail.recipients),
                "draft_id": mail.draft,
                "starred": mail.starred,
                "metadata": mail.metadata,
                "state": OutgoingState.SCHEDULED if send_at else OutgoingState.QUEUED,
                "send_at": send_at,
                "next_try_at": send_at or timezone.now(),
                "idempotency_key": key,
                "fingerprint": fingerprint or None,
            },
        )
        if not send_at:
            transaction.on_commit(partial(nudge, row.pk))
    return row


def cancel(account_id: UUID, outgoing_id: UUID) -> bool:
    """Keep a message from being sent. False: it is too late. Raises Account.DoesNotExist."""
    with store.beside(account_id) as batch:
        return store.cancel_outgoing(batch, outgoing_id)


def nudge(outgoing_id: UUID) -> None:
    """Have a worker send it now instead of at the dispatcher's next tick."""
    try:
        current_app.send_task("syncfarm.send", kwargs={"outgoing_id": str(outgoing_id)}, retry=False, expires=NUDGE)
    except OperationalError as error:
        log.info("nudge lost, beat's tick will do: %s", error)


def carry_on(outgoing_id: UUID, offer: UUID | None = None) -> None:
    """A worker's part: send a message that is due, and make its copy."""
    row = store.claim_outgoing(outgoing_id, offer)
    if row is not None:
        with renewed(row):
            _carry_on(row)


def _carry_on(row: Outgoing) -> None:
    if row.account.removed_at is not None:
        store.note_outgoing(row, OutgoingState.CANCELLED, ended_at=timezone.now(), octets=b"")
        return
    if row.state == OutgoingState.QUEUED and not _sent(row):
        return
    try:
        _file(row)
    except (MailError, filing.NotListedYet) as error:
        log.warning("account %s: the copy of %s is not made: %s", row.account_id, row.pk, error)
        again = timezone.now() + retry_delay(row.tries + 1, random.random())  # noqa: S311 -- jitter
        store.postpone_outgoing(row, OutgoingState.ACCEPTED, "", again)


def settle_lost(limit: int) -> None:
    """Report those as uncertain whose worker died when they may have been sent."""
    for row in store.lost_outgoing(limit):
        with store.beside(row.account_id) as batch:
            store.give_up_outgoing(batch, row, UNCERTAIN)


def _sent(row: Outgoing) -> bool:
    """Whether it is sent; how else it ended is noted."""
    try:
        delivery = _submit(row)
    except SendUncertain as error:
        _end(row, OutgoingState.UNCERTAIN, error=f"{UNCERTAIN} ({error})")
    except Overtaken:
        log.info("account %s: %s was cancelled, or is another worker's", row.account_id, row.pk)
    except MailError as error:
        _note_failure(row, error)
    else:
        return store.note_outgoing(
            row,
            OutgoingState.ACCEPTED,
            response=delivery.response,
            refused=[_told(each) for each in delivery.refused],
            error="",
        )
    return False


def _submit(row: Outgoing) -> Delivery:
    def hand_over() -> None:
        if not store.hand_over(row):
            raise Overtaken

    octets = compose.without_bcc(octets_of(row))
    login = _login(row.account)
    return smtp.submit(login, row.sender, row.recipients, octets, about_to_commit=hand_over, timeout=ANSWER)


def octets_of(row: Outgoing) -> bytes:
    """The message, with its Bcc."""
    return raw.decompress(bytes(row.octets), largest=_LARGEST)


def _login(account: Account) -> Login:
    """Raises AuthenticationFailed where there are no credentials that can be read, SendRefused where no server."""
    host = account.settings.get("smtp_host")
    if not host:
        raise SendRefused("The grant has no server to send by. Give it one: smtp_host.", permanent=True)
    try:
        secrets = credentials.unseal(bytes(account.credentials))
    except credentials.CredentialsLocked as error:
        raise AuthenticationFailed(str(error), permanent=True) from error
    return Login(
        host=host,
        port=account.settings["smtp_port"],
        security=account.settings["smtp_security"],
        username=account.settings["smtp_username"],
        password=secrets.get("smtp_password") or secrets["imap_password"],
        trusted=network.is_trusted(host),
    )


def _note_failure(row: Outgoing, error: MailError) -> None:
    refusals = error.refusals if isinstance(error, SendRefused) else ()
    patience = PATIENCE if row.send_at else AT_ONCE
    again = timezone.now() + (retry_delay(row.tries, random.random()) if row.send_at else timedelta(seconds=2))  # noqa: S311 -- jitter
    if error.permanent or again > row.send_at_or_created + patience:
        refused = [_told(each) for each in refusals]
        _end(row, OutgoingState.FAILED, error=str(error), may_pass=not error.permanent, refused=refused)
    else:
        store.postpone_outgoing(row, OutgoingState.QUEUED, str(error), again)


def _end(row: Outgoing, state: OutgoingState, **columns: Any) -> None:
    with store.beside(row.account_id) as batch:
        store.end_outgoing(batch, row, state, **columns)


def _file(row: Outgoing) -> None:
    """Show the copy among what was sent, and have it filed on the server; its draft goes."""
    flags = ["\\Seen", *(["\\Flagged"] if row.starred else [])]
    made = Making(row.account_id, octets_of(row), flags)
    files_itself = presets.files_sent_mail(row.account.settings["smtp_host"])
    folder = _sent_folder(row.account_id)
    with store.beside(row.account_id) as batch:
        filed = made.filed(folder) if folder and files_itself else None
        copy = filed or (made.message_id if folder else None)
        if not store.end_outgoing(batch, row, OutgoingState.SENT, message_id=copy, octets=b""):
            return
        if folder and not filed:
            made.put(batch, folder, FILED_WITHIN if files_itself else None)
        if copy:
            store.set_metadata(batch, copy, row.metadata)
        if row.draft_id:
            store.wish_deletion(batch, [row.draft_id])
        actions.hurry(row.account_id)


def _sent_folder(account_id: UUID) -> UUID | None:
    try:
        return filing.ensure_folder(account_id, "sent")
    except filing.NotListedYet:
        raise
    except filing.NameRefused as error:
        log.warning("account %s: no copy of what was sent is kept: %s", account_id, error)
        return None


def _told(refusal: Refusal) -> dict[str, str]:
    return {"address": refusal.address, "code": str(refusal.code), "message": refusal.message}
