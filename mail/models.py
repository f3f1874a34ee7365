"""The mirror's tables. Only mail.store writes them, only mail.changes writes the log.

Primary keys are UUIDs made by the client: bulk writes need no round trip to learn an id, and a message's id can be
derived from its identity (mail.types.message_id), so that it survives moves, UIDVALIDITY resets and a full re-mirror.

Foreign keys of tables that grow with the mail are not checked by the database: a check costs 8 microseconds a row and
locks the row it finds, and mail.store alone writes these tables, under the account's lock. Tests have the database
check a message's thread and a place's message, where a mistake could hide (tests/integration/guard.py). The keys have
no index of their own where another begins with the same column.

One file, so that the schema is read in one go.
"""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import TransactionNow
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Account

SMALL_PACK = 64 * 1024  # octets of contents; what trickles in makes many such, which are merged


class FolderState(models.TextChoices):
    """How far the mirror of a folder is."""

    PENDING = "pending"  # not yet looked into
    SYNCING = "syncing"  # older mail is still being copied
    LIVE = "live"  # complete
    ERROR = "error"  # the server refuses it; retried with backoff


class Folder(models.Model):
    """A mailbox of the server (RFC 3501's word for folder) and how far it is mirrored.

    Invariant: every UID in [backfill_uid, uidnext) is mirrored or has a Gap row; flags are true as of highestmodseq.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="folders")
    name = models.TextField(help_text="Full path, decoded, with the server's delimiter.")
    wire_name = models.TextField(help_text="The name's bytes as the server sent them, read as Latin-1.")
    delimiter = models.CharField(max_length=4, blank=True)
    role = models.CharField(
        max_length=12,
        blank=True,
        help_text="inbox, sent, drafts, trash, junk, archive, all, flagged or nothing.",
    )
    attributes = ArrayField(models.TextField(), default=list)
    selectable = models.BooleanField(default=True)
    mailbox_id = models.TextField(blank=True, help_text="MAILBOXID of RFC 8474, where offered.")

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

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["account", "provider_key"],
                name="thread_provider_key_once",
                condition=Q(provider_key__isnull=False),
            )
        ]
        indexes = [models.Index(fields=["account", "-latest_at", "-id"], name="thread_listing")]

    def __str__(self) -> str:
        return self.subject


class Message(models.Model):
    """One mail of an account, however many folders hold it."""

    id = models.UUIDField(primary_key=True, editable=False, help_text="mail.types.message_id(account, key).")
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="messages", db_constraint=False, db_index=False
    )
    thread = models.ForeignKey(
        Thread, on_delete=models.CASCADE, related_name="messages", db_constraint=False, db_index=False
    )
    digest = models.BinaryField(max_length=32, help_text="SHA-256 of the raw message.")
    size = models.BigIntegerField(help_text="Bytes of the raw message on the server.")
    pack = models.ForeignKey(
        "Pack",
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

    # Derived from its locations by mail.store.
    folder_ids = ArrayField(models.UUIDField(), default=list)
    unread = models.BooleanField(default=False)
    starred = models.BooleanField(default=False)
    draft = models.BooleanField(default=False)
    orphaned_at = models.DateTimeField(
        null=True, blank=True, help_text="Its last location vanished; a move shows itself within one pass."
    )

    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["account", "-received_at", "-id"], name="message_listing"),
            # Few messages are unread or starred: a list of them must not walk the others.
            models.Index(fields=["account", "-received_at", "-id"], name="message_unread", condition=Q(unread=True)),
            models.Index(fields=["account", "-received_at", "-id"], name="message_starred", condition=Q(starred=True)),
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


class Pack(models.Model):
    """The raw messages of one batch, compressed together.

    A message's place in it (raw_at) counts octets before compression. Only mail.raw reads and writes packs.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_constraint=False)
    messages = ArrayField(models.UUIDField(), help_text="Whose contents it was made of.")
    octets = models.BigIntegerField(help_text="Of contents, before compression.")
    wasted = models.BigIntegerField(default=0, help_text="Octets of contents that no message needs any more.")
    store = models.TextField(
        blank=True, db_default="", help_text="Address of the store whose object has its frames; empty: their rows do."
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            # What upkeep packs anew (mail.raw.repacking): both are small, however many packs there are.
            models.Index(fields=["account"], name="pack_wasteful", condition=Q(wasted__gt=F("octets") / 2)),
            models.Index(fields=["account", "created_at"], name="pack_small", condition=Q(octets__lt=SMALL_PACK)),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Frame(models.Model):
    """A stretch of a pack, decompressed as a whole, at most mail.raw.packing.LARGEST_FRAME octets of contents.

    Its data are here, in as many rows as they fill, or at an offset in the pack's object. A frame has more octets of
    contents than rows, so that `start` tells all rows of a pack apart.
    """

    pk = models.CompositePrimaryKey("pack_id", "start")
    pack = models.ForeignKey(Pack, on_delete=models.CASCADE, related_name="frames", db_constraint=False, db_index=False)
    start = models.BigIntegerField(help_text="Octets of contents before it, and its part.")
    part = models.SmallIntegerField(
        default=0, db_default=0, help_text="Number of this row of those that hold the frame's data."
    )
    data = models.BinaryField(null=True, help_text="zstd; NULL: in the object.")
    at = models.BigIntegerField(null=True, help_text="Octets of the object before it.")
    size = models.IntegerField(null=True, help_text="Octets of it in the object.")

    def __str__(self) -> str:
        return f"{self.pack_id}/{self.start}"


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


class Transaction(models.Model):
    """The change log: seq is 1, 2, 3, … per account, in commit order (taken under the account's row lock)."""

    pk = models.CompositePrimaryKey("account_id", "seq")
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    seq = models.BigIntegerField()
    object_type = models.CharField(max_length=10)  # message | thread | folder | grant
    object_id = models.UUIDField()
    kind = models.CharField(max_length=8)  # created | updated | deleted
    created_at = models.DateTimeField(db_default=TransactionNow())

    def __str__(self) -> str:
        return f"{self.seq} {self.object_type} {self.kind}"


class LogEntry(models.Model):
    """The change log as the admin can show it: a view with a key of one column."""

    id = models.TextField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.DO_NOTHING, related_name="+")
    seq = models.BigIntegerField()
    object_type = models.CharField(max_length=10)
    object_id = models.UUIDField()
    kind = models.CharField(max_length=8)
    created_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = "mail_logentry"
        verbose_name = "change"
        verbose_name_plural = "change log"

    def __str__(self) -> str:
        return f"{self.seq} {self.object_type} {self.kind}"


class Body(models.Model):
    """What a message shows, made of its raw message behind the sync, as its words are (mail.bodies)."""

    message = models.OneToOneField(Message, on_delete=models.CASCADE, primary_key=True, related_name="body")
    is_html = models.BooleanField()
    content = models.BinaryField(help_text="UTF-8, zstd.")

    class Meta:
        verbose_name_plural = "bodies"

    def __str__(self) -> str:
        return str(self.message_id)


class SearchDocument(models.Model):
    """A message's words. Filled behind the sync, by a consumer of the change log."""

    message = models.OneToOneField(Message, on_delete=models.CASCADE, primary_key=True, related_name="search")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="+", db_index=False)
    document = SearchVectorField()

    class Meta:
        indexes = [GinIndex(fields=["account", "document"], name="search_document")]

    def __str__(self) -> str:
        return str(self.message_id)
