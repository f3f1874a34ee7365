"""Contents of messages: raw mail, compressed together."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Account

SMALL_PACK = 64 * 1024  # octets of contents; what trickles in makes many such, which are merged


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
