"""Folders, and what of them could not be mirrored yet."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, F, When
from django.db.models.functions import Now

from accounts.models import Account


class FolderState(models.TextChoices):
    """How far the mirror of a folder is."""

    PENDING = "pending"  # not yet looked into
    SYNCING = "syncing"  # older mail is still being copied
    LIVE = "live"  # complete
    ERROR = "error"  # the server refuses it; retried with backoff


class FolderQuerySet(models.QuerySet["Folder"]):
    """Queries that more than one caller needs."""

    def shown(self) -> "FolderQuerySet":
        """Without those that were deleted here, whether or not their server knows yet."""
        return self.filter(hidden=False)


class Folder(models.Model):
    """A mailbox of the server (RFC 3501's word for folder) and how far it is mirrored.

    Invariant: every UID in [backfill_uid, uidnext) is mirrored or has a Gap row; flags are true as of highestmodseq.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="folders")
    name = models.TextField(help_text="Full path, decoded, with the server's delimiter.")
    wire_name = models.TextField(  # noqa: DJ001 -- NULL, of which an account may have many
        null=True,
        help_text="The name's bytes as the server sent them, read as Latin-1. NULL: made here, not yet on the server.",
    )
    delimiter = models.CharField(max_length=4, blank=True)
    role = models.CharField(
        max_length=12,
        blank=True,
        help_text="inbox, sent, drafts, trash, junk, archive, all, flagged or nothing.",
    )
    attributes = ArrayField(models.TextField(), default=list)
    selectable = models.BooleanField(default=True)
    mailbox_id = models.TextField(blank=True, help_text="MAILBOXID of RFC 8474, where offered.")

    # What was changed here and is still on its way (mail.store.wished).
    wished_name = models.TextField(blank=True, db_default="", help_text="Full path that it is to have; or nothing.")
    hidden = models.BooleanField(db_default=False, help_text="Deleted here.")
    seen_name = models.GeneratedField(
        expression=Case(When(wished_name="", then=F("name")), default=F("wished_name")),
        output_field=models.TextField(),
        db_persist=True,
    )

    # What the server says; visible in the API.
    total_count = models.PositiveIntegerField(default=0)
    unread_count = models.PositiveIntegerField(default=0)

    # Sync point.
    uidvalidity = models.BigIntegerField(null=True)
    uidnext = models.BigIntegerField(default=1)
    highestmodseq = models.BigIntegerField(default=0, help_text="0: the server keeps none for this folder.")
    backfill_uid = models.BigIntegerField(default=1, help_text="UIDs below are still to be copied; 1: none are.")
    mirrored_count = models.PositiveIntegerField(default=0, help_text="Locations under the current UIDVALIDITY.")
    flags_uid = models.BigIntegerField(
        default=0, help_text="Full strategy: older flags were last compared down to here."
    )

    state = models.CharField(max_length=8, choices=FolderState, default=FolderState.PENDING)
    error = models.TextField(blank=True)
    failures = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True, blank=True)
    synced_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = FolderQuerySet.as_manager()

    class Meta:
        constraints = [
            # Deferred: a rename may swap two names within one transaction.
            models.UniqueConstraint(
                fields=["account", "wire_name"],
                name="folder_name_once",
                deferrable=models.Deferrable.DEFERRED,
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Gap(models.Model):
    """A UID that the server lists but would not hand out; retried until it does or the UID is expunged."""

    pk = models.CompositePrimaryKey("folder_id", "uid")
    folder = models.ForeignKey(Folder, on_delete=models.CASCADE, related_name="gaps")
    uid = models.BigIntegerField()
    attempts = models.PositiveIntegerField(default=1)
    next_try_at = models.DateTimeField()
    reason = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"{self.folder_id}/{self.uid}"
