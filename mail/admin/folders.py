"""Folders of a mailbox and how far each is mirrored."""

from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mail.admin import wording
from mail.admin.bounded import ReadOnlyAdmin
from mail.models import Folder


@admin.register(Folder)
class FolderAdmin(ReadOnlyAdmin):
    """A mailbox has tens of folders, thousands at most."""

    list_display = ("path", "role", "state_words", "progress", "synced", "error_words")
    search_fields = ("id",)
    search_help_text = "Folder id"
    ordering = ("account", "name")
    list_select_related = ("account",)
    readonly_fields = ("state_words", "progress", "synced", "messages")
    fieldsets = (
        (None, {"fields": ("account", "name", "role", "state_words", "progress", "unread_count", "error", "messages")}),
        ("Sync point", {"fields": ("uidvalidity", "uidnext", "highestmodseq", "backfill_uid", "flags_uid", "failures",
                                   "next_try_at", "synced")}),
        ("Server", {"fields": ("id", "wire_name", "delimiter", "attributes", "selectable", "mailbox_id",
                               "created_at")}),
    )  # fmt: skip

    @admin.display(description="Name")
    def path(self, folder: Folder) -> SafeString:
        return wording.short(folder.name)

    @admin.display(description="State")
    def state_words(self, folder: Folder) -> SafeString:
        return wording.live(f"state-{folder.pk.hex}", wording.folder_state(folder.state))

    @admin.display(description="Mirrored")
    def progress(self, folder: Folder) -> SafeString:
        bar = wording.progress(folder.mirrored_count, folder.total_count)
        return wording.live(f"progress-{folder.pk.hex}", bar)

    @admin.display(description="Last looked into")
    def synced(self, folder: Folder) -> SafeString:
        return wording.live(f"synced-{folder.pk.hex}", wording.ago(folder.synced_at, timezone.now()))

    @admin.display(description="Error")
    def error_words(self, folder: Folder) -> SafeString:
        return wording.live(f"error-{folder.pk.hex}", wording.short(folder.error))

    @admin.display(description="Messages")
    def messages(self, folder: Folder) -> SafeString:
        url = f"{reverse('admin:mail_message_changelist')}?account={folder.account_id}&folder={folder.pk}"
        return format_html('<a class="sf-link" href="{}">Show its messages</a>', url)
