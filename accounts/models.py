"""Who uses the farm and which mailboxes they connected."""

import uuid
from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q


class Application(models.Model):
    """A customer of the farm: owns API keys and grants, sees nothing of other applications."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=200, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name


class ApiKey(models.Model):
    """A secret that opens an application, or one grant of it. Only its SHA-256 is kept; it is random, so no salt."""

    application = models.ForeignKey(Application, on_delete=models.CASCADE, related_name="api_keys")
    account = models.ForeignKey(
        "Account",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="tokens",
        help_text="Set for a grant access token, which sees this grant only.",
    )
    name = models.CharField(max_length=200)
    prefix = models.CharField(max_length=16, help_text="First characters, to tell keys apart.")
    digest = models.BinaryField(max_length=32, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class AccountState(models.TextChoices):
    """What an account is doing, in one word. `reason` says why in a sentence."""

    CONNECTING = "connecting"  # saved, not yet synced once
    INITIAL = "initial"  # first mirror under way
    LIVE = "live"  # mirror complete, incremental syncs
    PAUSED = "paused"  # an operator's wish
    INVALID = "invalid"  # permanent: the owner must act (credentials refused)
    ERROR = "error"  # transient: backing off, recovers by itself


class WatchMode(models.TextChoices):
    """How the farm hears of a change in a mailbox."""

    POLLING = "polling"  # it looks at intervals
    IDLE = "idle"  # the server tells of the inbox (RFC 2177), the rest is looked at
    NOTIFY = "notify"  # the server tells of all folders (RFC 5465)


class AccountQuerySet(models.QuerySet["Account"]):
    """Account selections that several callers need."""

    def present(self) -> "AccountQuerySet":
        """Accounts that are not being removed."""
        return self.filter(removed_at=None)

    def due(self, now: datetime) -> "AccountQuerySet":
        """Accounts whose sync is due and which nobody holds a live lease on."""
        return (
            self.present()
            .exclude(state=AccountState.PAUSED)
            .filter(
                Q(lease_expires_at=None) | Q(lease_expires_at__lte=now),
                next_sync_at__lte=now,
            )
        )


class Account(models.Model):
    """A connected mailbox, a grant in the API. Also holds the sync intent, the lease and the ends of its change log."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    application = models.ForeignKey(Application, on_delete=models.PROTECT, related_name="accounts")
    email = models.EmailField(max_length=320)
    name = models.CharField(max_length=200, blank=True)
    provider = models.CharField(max_length=20, default="imap")
    settings: "models.JSONField[dict[str, Any], dict[str, Any]]" = models.JSONField(
        default=dict,
        help_text="imap_host, imap_port, imap_security, imap_username and the same for smtp; never secrets.",
    )
    credentials = models.BinaryField(
        help_text="Fernet token of a JSON object; accounts.credentials reads and writes it."
    )

    state = models.CharField(max_length=12, choices=AccountState, default=AccountState.CONNECTING)
    reason = models.TextField(blank=True, help_text="Why it is in this state, in words for its owner.")
    removed_at = models.DateTimeField(
        null=True, blank=True, help_text="Removal was asked for; upkeep deletes the data."
    )
    emptied_at = models.DateTimeField(
        null=True, blank=True, help_text="The data is deleted; only its change log is there, until it has expired."
    )

    # Sync intent. NULL: no sync is wanted (invalid accounts).
    next_sync_at = models.DateTimeField(null=True, blank=True)
    interval = models.PositiveIntegerField(
        default=30, help_text="Seconds between syncs; adapts to the mailbox's traffic."
    )
    failures = models.PositiveIntegerField(default=0, help_text="Failed syncs in a row.")
    deaths = models.PositiveSmallIntegerField(
        default=0, help_text="Syncs in a row that did not end: their process died. One that runs counts as one."
    )
    lease_token = models.UUIDField(null=True, blank=True)
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    last_sync_at = models.DateTimeField(null=True, blank=True, help_text="End of the last sync that succeeded.")
    last_change_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    last_error_at = models.DateTimeField(null=True, blank=True)
    capabilities = ArrayField(models.CharField(max_length=64), default=list, blank=True)

    # Who waits for what its server tells (mail.watch), and whether it does: claimed and written by watchers alone.
    watcher = models.UUIDField(null=True, blank=True, help_text="The Watcher that holds it, while that is alive.")
    watch_mode = models.CharField(max_length=8, choices=WatchMode, default=WatchMode.POLLING)
    watch_note = models.TextField(blank=True, default="", help_text="Why it is polled, in words for its owner.")
    live_since = models.DateTimeField(null=True, blank=True, help_text="Its server tells of changes since then.")

    # The change log's ends: rows log_floor+1 .. log_seq exist. The marks of the rows at both (mail.rounds).
    log_seq = models.BigIntegerField(default=0)
    log_floor = models.BigIntegerField(default=0)
    log_mark = models.BigIntegerField(db_default=0)
    log_floor_mark = models.BigIntegerField(db_default=0)
    search_seq = models.BigIntegerField(default=0, help_text="The search index has consumed the log up to here.")
    search_tries = models.PositiveSmallIntegerField(
        default=0, help_text="Tries of the index to get beyond search_seq that died of it, or run."
    )
    search_tried_at = models.DateTimeField(null=True, blank=True, help_text="The last of them.")

    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = AccountQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["application", "email"], condition=Q(removed_at=None), name="account_email_once"
            ),
            models.CheckConstraint(condition=Q(log_floor__lte=F("log_seq")), name="account_log_ends"),
        ]
        indexes = [
            models.Index(
                fields=["next_sync_at"],
                name="account_due",
                condition=Q(removed_at=None, next_sync_at__isnull=False),
            ),
            models.Index(fields=["application", "created_at", "id"], name="account_listing"),
            models.Index(fields=["application", "log_mark"], name="account_changed"),
            models.Index(fields=["watcher", "state"], name="account_watched", condition=Q(removed_at=None)),
        ]

    def __str__(self) -> str:
        return self.email


class Host(models.Model):
    """A mail host that did not answer lately, or does not do what it says: its accounts need not each find that out."""

    name = models.CharField(primary_key=True, max_length=262, help_text="host:port")
    failures = models.PositiveIntegerField(default=0, help_text="Connections in a row that failed.")
    retry_at = models.DateTimeField(null=True, blank=True)
    failing = ArrayField(
        models.CharField(max_length=32),
        default=list,
        blank=True,
        help_text="IMAP extensions that it offers and fails at: not used for the time being.",
    )
    failing_until = models.DateTimeField(null=True, blank=True, help_text="Then they are tried again.")

    def __str__(self) -> str:
        return self.name


class Watcher(models.Model):
    """A process that watches accounts. Theirs is a lease of its own, so that to renew it is one row, however many."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    accounts = models.PositiveIntegerField(default=0, help_text="How many it holds: others take their share by it.")
    expires_at = models.DateTimeField(help_text="Its accounts are anybody's after this.")

    def __str__(self) -> str:
        return str(self.id)
