"""Messages, their places in folders, and their conversations."""

import uuid
from datetime import datetime

from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.contrib.postgres.indexes import GinIndex, GistIndex
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Now

from accounts.models import Account
from mail.models.folders import Folder
from mail.models.packs import Pack

_SPAN = Func(F("earliest_at"), F("latest_at"), Value("[]"), function="tstzrange", output_field=DateTimeRangeField())


class ThreadQuerySet(models.QuerySet["Thread"]):
    """Thread selections that several callers need."""

    def going_on_at(self, when: datetime) -> "ThreadQuerySet":
        """Threads that begin before and do not end before, by an index that knows just these."""
        ranges = self.alias(span=_SPAN).filter(span__contains=when, latest_at__gt=F("earliest_at"))  # type: ignore[misc]  # a moment may be in it
        return ranges.filter(earliest_at__lt=when)


class Thread(models.Model):
    """A conversation. Its figures are derived from its messages by mail.store."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="threads", db_constraint=False, db_index=False
    )
    provider_key = models.TextField(null=True, blank=True, help_text="X-GM-THRID or THREADID, where offered.")  # noqa: DJ001 -- NULL: it has none, and then no entry in the unique index
    subject = models.TextField(blank=True)
    message_count = models.PositiveIntegerField(default=0)
    earliest_at = models.DateTimeField()
    latest_at = models.DateTimeField()
    unread = models.BooleanField(default=False)
    starred = models.BooleanField(default=False)
    has_attachments = models.BooleanField(default=False)
    has_drafts = models.BooleanField(default=False)

    objects = ThreadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "provider_key"],
                name="thread_provider_key_once",
                condition=Q(provider_key__isnull=False),
            )
        ]
        indexes = [
            models.Index(fields=["account", "-latest_at", "-id"], name="thread_listing"),
            models.Index(fields=["account", "-latest_at", "-id"], name="thread_unread", condition=Q(unread=True)),
            models.Index(fields=["account", "-latest_at", "-id"], name="thread_starred", condition=Q(starred=True)),
            models.Index(
                fields=["account", "-latest_at", "-id"], name="thread_attachments", condition=Q(has_attachments=True)
            ),
            GistIndex(F("account"), _SPAN, name="thread_spans", condition=Q(latest_at__gt=F("earliest_at"))),
        ]

    def __str__(self) -> str:
        return self.subject


class ThreadLink(models.Model):
    """Every Message-ID an account has seen, its own or referenced, and the thread it belongs to."""

    pk = models.CompositePrimaryKey("account_id", "digest")
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    digest = models.BinaryField(max_length=16)
    thread = models.ForeignKey(Thread, on_delete=models.CASCADE, related_name="links", db_constraint=False)

    def __str__(self) -> str:
        return bytes(self.digest).hex()


class MessageQuerySet(models.QuerySet["Message"]):
    """Message selections that several callers need."""

    def shown(self) -> "MessageQuerySet":
        """Messages that readers see: not those that were deleted here."""
        return self.filter(hidden=False)


class Message(models.Model):
    """One mail of an account, however many folders hold it."""

    id = models.UUIDField(primary_key=True, editable=False, help_text="mail.types.message_id(account, key).")
    alias = models.UUIDField(
        null=True, blank=True, editable=False, help_text="The id that its server's name for it makes, if made here."
    )
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="messages", db_constraint=False, db_index=False
    )
    thread = models.ForeignKey(
        Thread, on_delete=models.CASCADE, related_name="messages", db_constraint=False, db_index=False
    )
    digest = models.BinaryField(max_length=32, help_text="SHA-256 of the raw message.")
    size = models.BigIntegerField(help_text="Bytes of the raw message on the server.")
    pack = models.ForeignKey(
        Pack,
        on_delete=models.DO_NOTHING,
        null=True,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text="Where its contents are; NULL: lost, to be fetched again.",
    )
    raw_at = models.BigIntegerField(default=0)
    raw_size = models.BigIntegerField(default=0, help_text="Less than size where only the header is mirrored.")
    lost_at = models.DateTimeField(
        null=True, blank=True, help_text="Its contents were found lost or damaged; they are fetched again."
    )

    header_id = models.CharField(max_length=998, blank=True, help_text="Message-ID without angle brackets.")
    subject = models.TextField(blank=True)
    subject_key = models.BigIntegerField(
        null=True, help_text="Hash of the subject without reply prefixes; NULL: no subject."
    )
    is_reply = models.BooleanField(default=False, help_text="The subject has a reply or forward prefix.")
    has_references = models.BooleanField(default=False, help_text="References or In-Reply-To name another message.")
    # Lists of {"name": …, "email": …} in header order.
    from_addresses = models.JSONField(default=list)
    to_addresses = models.JSONField(default=list)
    cc_addresses = models.JSONField(default=list)
    bcc_addresses = models.JSONField(default=list)
    reply_to_addresses = models.JSONField(default=list)
    participants = ArrayField(
        models.TextField(), default=list, help_text="All addresses of from, to, cc and bcc in lower case."
    )
    sent_at = models.DateTimeField(null=True, blank=True, help_text="The Date header.")
    received_at = models.DateTimeField(help_text="INTERNALDATE.")
    snippet = models.TextField(blank=True)
    attachments = models.JSONField(default=list, help_text="mail.types.Attachment as objects, in part order.")
    has_attachments = models.BooleanField(default=False, help_text="At least one that is not inline.")
    problem = models.TextField(blank=True, help_text="What could not be read of it, in words.")

    # Ours: no server knows of it, and no sync touches it.
    metadata = models.JSONField(null=True, blank=True, help_text="Pairs that applications keep with it.")

    # Derived from its locations by mail.store.
    folder_ids = ArrayField(models.UUIDField(), default=list)
    unread = models.BooleanField(default=False)
    starred = models.BooleanField(default=False)
    draft = models.BooleanField(default=False)
    hidden = models.BooleanField(
        db_default=False, help_text="Deleted here: its server is yet to be told, or the next look forgets it."
    )
    orphaned_at = models.DateTimeField(
        null=True, blank=True, help_text="Its last location vanished; a move shows itself within one pass."
    )

    created_at = models.DateTimeField(db_default=Now())

    objects = MessageQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["alias"], name="message_alias_once", condition=Q(alias__isnull=False))
        ]
        indexes = [
            models.Index(fields=["account", "-received_at", "-id"], name="message_listing"),
            # Few messages are unread or starred: a list of them must not walk the others.
            models.Index(fields=["account", "-received_at", "-id"], name="message_unread", condition=Q(unread=True)),
            models.Index(fields=["account", "-received_at", "-id"], name="message_starred", condition=Q(starred=True)),
            models.Index(fields=["account", "-received_at", "-id"], name="message_drafts", condition=Q(draft=True)),
            models.Index(
                fields=["account", "-received_at", "-id"], name="message_attachments", condition=Q(has_attachments=True)
            ),
            # The few of a folder that are unread, where others have thousands.
            GinIndex(fields=["folder_ids"], name="message_unread_in", condition=Q(unread=True)),
            GinIndex(fields=["folder_ids"], name="message_starred_in", condition=Q(starred=True)),
            models.Index(fields=["account", "header_id"], name="message_header_id"),
            models.Index(fields=["account", "subject_key", "received_at"], name="message_subject_key"),
            models.Index(fields=["thread", "received_at"], name="message_thread"),
            models.Index(
                fields=["account", "orphaned_at"],
                name="message_orphaned",
                condition=Q(orphaned_at__isnull=False),
            ),
            models.Index(fields=["account"], name="message_lost", condition=Q(lost_at__isnull=False)),
            GinIndex(fields=["account", "participants"], name="message_participants"),
            GinIndex(
                fields=["account", "subject"],
                name="message_subject",
                opclasses=["uuid_ops", "gin_trgm_ops"],
                gin_pending_list_limit=32 * 1024,  # kB: what a batch brings is sorted in behind the sync (autovacuum)
            ),
            GinIndex(
                fields=["account", "metadata"],
                name="message_metadata",
                opclasses=["uuid_ops", "jsonb_path_ops"],
                condition=Q(metadata__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.subject


class Location(models.Model):
    """A message's place: (folder, UIDVALIDITY, UID).

    After a UIDVALIDITY reset the rows of the old value stay until the folder is mirrored again, so that nothing
    seems to leave the folder meanwhile.
    """

    pk = models.CompositePrimaryKey("folder_id", "uidvalidity", "uid")
    folder = models.ForeignKey(
        Folder, on_delete=models.CASCADE, related_name="locations", db_constraint=False, db_index=False
    )
    uidvalidity = models.BigIntegerField()
    uid = models.BigIntegerField()
    message = models.ForeignKey(
        Message, on_delete=models.CASCADE, related_name="locations", db_constraint=False, db_index=False
    )
    flags = ArrayField(
        models.TextField(), default=list, help_text="As the server spells them, sorted, without \\Recent."
    )
    received_at = models.DateTimeField(help_text="The message's, for listing a folder by date.")

    class Meta:
        indexes = [
            models.Index(fields=["message"], name="location_message"),
            models.Index(fields=["folder", "-received_at", "-message"], name="location_listing"),
        ]

    def __str__(self) -> str:
        return f"{self.folder_id}/{self.uidvalidity}/{self.uid}"
