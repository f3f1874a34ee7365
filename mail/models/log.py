"""The change log. Only mail.changes writes it."""

from django.contrib.postgres.functions import TransactionNow
from django.db import models

from accounts.models import Account


class Transaction(models.Model):
    """The change log: seq is 1, 2, 3, … per account, in commit order (taken under the account's row lock)."""

    pk = models.CompositePrimaryKey("account_id", "seq")
    account = models.ForeignKey(
        Account, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )
    seq = models.BigIntegerField()
    object_type = models.CharField(max_length=10)  # message | thread | folder | grant | bounce
    object_id = models.UUIDField()
    kind = models.CharField(max_length=8)  # created | updated | deleted
    created_at = models.DateTimeField(db_default=TransactionNow())
    mark = models.BigIntegerField(db_default=0)  # mail.rounds

    def __str__(self) -> str:
        return f"{self.seq} {self.object_type} {self.kind}"


class MarkOffset(models.Model):
    """What mail.rounds adds to PostgreSQL's numbers of transactions, if anything: one row."""

    id = models.BooleanField(primary_key=True, default=True)
    value = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=True), name="mark_offset_once")]

    def __str__(self) -> str:
        return str(self.value)


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
