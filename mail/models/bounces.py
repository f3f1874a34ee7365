"""Messages that were sent and did not reach somebody."""

from django.db import models
from django.db.models.functions import Now

from accounts.models import Account
from mail.models.messages import Message


class Bounce(models.Model):
    """What a notification says of a message that the account sent. Made behind the sync (mail.search), once for each
    notification; it stays when that is deleted."""

    id = models.UUIDField(primary_key=True, editable=False, help_text="Derived from the notification's.")
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="bounces", db_constraint=False, db_index=False
    )
    message = models.ForeignKey(
        Message,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text="The notification.",
    )
    original_header_id = models.CharField(max_length=998, help_text="Message-ID without angle brackets.")
    original_message_id = models.UUIDField(null=True, help_text="The message that was sent, if it is mirrored.")
    hard = models.BooleanField(help_text="At least one of the addresses will fail again.")
    recipients = models.JSONField(help_text="mail.types.BouncedRecipient as objects.")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["account", "-created_at"], name="bounce_listing")]

    def __str__(self) -> str:
        return f"{self.original_header_id} to {len(self.recipients)}"
