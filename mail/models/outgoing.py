"""Mail on its way to its recipients."""

import uuid
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Account


class OutgoingState(models.TextChoices):
    """How far it got. Each is committed before what follows is done."""

    SCHEDULED = "scheduled"  # waits for its time
    QUEUED = "queued"  # to be sent now
    SENDING = "sending"  # all but the last dot is with the server: from here on it may have been sent
    ACCEPTED = "accepted"  # the server took it; its copy is yet to be made
    SENT = "sent"
    FAILED = "failed"  # nobody got it
    UNCERTAIN = "uncertain"  # the server was cut off before it answered, or the worker died: never sent again by itself
    CANCELLED = "cancelled"  # before it was sent


class Outgoing(models.Model):
    """A message that is to be sent, or was."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="outgoing", db_constraint=False, db_index=False
    )
    sender = models.TextField(help_text="Address of the envelope.")
    recipients: "models.JSONField[list[str], list[str]]" = models.JSONField(
        default=list, help_text="Addresses of the envelope, those of Bcc among them."
    )
    subject = models.TextField(blank=True)
    header_id = models.CharField(max_length=998, help_text="Message-ID without angle brackets.")
    octets = models.BinaryField(help_text="The message with its Bcc field, zstd; empty once its copy is made.")
    metadata = models.JSONField(null=True, blank=True)
    starred = models.BooleanField(db_default=False)
    draft_id = models.UUIDField(null=True, blank=True, help_text="The message that it was written as.")
    message_id = models.UUIDField(null=True, blank=True, help_text="Its copy.")

    state = models.CharField(max_length=10, choices=OutgoingState)
    send_at = models.DateTimeField(null=True, blank=True, help_text="NULL: it was to be sent at once.")
    tries = models.PositiveSmallIntegerField(db_default=0)
    next_try_at = models.DateTimeField(db_default=Now())
    claim = models.UUIDField(null=True, blank=True, help_text="Of the worker that has it.")
    claimed_until = models.DateTimeField(null=True, blank=True)
    error = models.TextField(blank=True, db_default="", help_text="Why it was not sent, in words.")
    may_pass = models.BooleanField(db_default=False, help_text="It failed for a reason that may be gone later.")
    refused: "models.JSONField[list[dict[str, str]], list[dict[str, str]]]" = models.JSONField(
        default=list, help_text="Recipients who do not get it: address, code, message."
    )
    response = models.TextField(blank=True, db_default="", help_text="The server's words when it took it.")
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    idempotency_key = models.CharField(max_length=256, null=True, blank=True)  # noqa: DJ001 -- NULL: none, or forgotten
    fingerprint = models.BinaryField(max_length=32, null=True, help_text="Of the request that brought it.")

    class Meta:
        verbose_name = "outgoing mail"
        verbose_name_plural = "outgoing mail"
        constraints = [
            models.UniqueConstraint(
                fields=["account", "idempotency_key"],
                name="outgoing_key_once",
                condition=Q(idempotency_key__isnull=False),
            ),
        ]
        indexes = [
            models.Index(fields=["account", "-created_at", "-id"], name="outgoing_listing"),
            models.Index(
                fields=["next_try_at"],
                name="outgoing_due",
                condition=Q(state__in=["scheduled", "queued", "sending", "accepted"]),
            ),
            models.Index(fields=["ended_at"], name="outgoing_ended", condition=Q(ended_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return self.subject or str(self.pk)

    @property
    def send_at_or_created(self) -> datetime:
        """When it was to be sent."""
        return self.send_at or self.created_at
