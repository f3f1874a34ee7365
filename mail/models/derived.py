"""What is made of messages behind the sync: what they show, and their words."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models

from accounts.models import Account
from mail.models.messages import Message


class Body(models.Model):
    """What a message shows, made of its raw message behind the sync, as its words are (mail.bodies)."""

    message = models.OneToOneField(Message, on_delete=models.CASCADE, primary_key=True, related_name="body")
    is_html = models.BooleanField()
    content = models.BinaryField(help_text="zstd.")
    is_json = models.BooleanField(db_default=False, help_text="The content is a JSON string; older ones are the text.")

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
