"""What was changed here and is carried to the server."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Account
from mail.models.messages import Message


class ActionKind(models.TextChoices):
    """What is changed."""

    FLAGS = "flags"  # of a message: unread, starred
    FOLDERS = "folders"  # in which a message is
    DELETE = "delete"  # a message, from every folder, for good
    APPEND = "append"  # a message that was made here, to a folder
    MAKE_FOLDER = "make_folder"
    RENAME_FOLDER = "rename_folder"  # or move it below another
    DELETE_FOLDER = "delete_folder"  # with the mail in it


class ActionState(models.TextChoices):
    """How far it got."""

    PENDING = "pending"  # readers see it as done; the server is yet to be told
    DONE = "done"
    SUPERSEDED = "superseded"  # a later change of the same thing took its place before the server was told
    FAILED = "failed"  # the server refused it for good, and readers see the server's truth again


class Action(models.Model):
    """A change of one object, carried to the server in the order of `number` within its account.

    While it is pending, mail.store.derive shows its message as if the server had it already, and mail.store.wished its
    folder.
    """

    number = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="actions", db_constraint=False, db_index=False
    )
    kind = models.CharField(max_length=16, choices=ActionKind)
    message = models.ForeignKey(
        Message, on_delete=models.DO_NOTHING, related_name="+", db_constraint=False, db_index=False, null=True
    )
    folder = models.UUIDField(null=True, help_text="What is made, renamed or deleted, if it is a folder.")
    name = models.TextField(blank=True, db_default="", help_text="A folder's, without the path; or nothing: it stays.")
    unread = models.BooleanField(null=True, help_text="NULL: it stays as it is.")
    starred = models.BooleanField(null=True, help_text="NULL: it stays as it is.")
    folders = ArrayField(models.UUIDField(), null=True, help_text="All in which it is to be; NULL: it stays there.")

    state = models.CharField(max_length=10, choices=ActionState, db_default=ActionState.PENDING)
    tries = models.PositiveSmallIntegerField(db_default=0)
    next_try_at = models.DateTimeField(db_default=Now())
    error = models.TextField(blank=True, db_default="", help_text="Why the last try failed, in words.")
    created_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "change made here"
        verbose_name_plural = "changes made here"
        indexes = [
            models.Index(fields=["account", "-created_at", "-id"], name="action_listing"),
            # Few are pending: every look at an account asks whether any is, and every change of a message.
            models.Index(fields=["account", "next_try_at"], name="action_pending", condition=Q(state="pending")),
            # What was made here and refused is nowhere else: it stays until somebody deletes it.
            models.Index(fields=["message"], name="action_of_message", condition=Q(state__in=["pending", "failed"])),
            models.Index(
                fields=["account", "number"],
                name="action_of_folder",
                condition=Q(state="pending", folder__isnull=False),
            ),
            models.Index(fields=["ended_at"], name="action_ended", condition=Q(ended_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.message_id or self.folder}"
