"""Folders of a mailbox and how far each is mirrored."""

from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from mail.admin import wording
from mail.admin.bounded import ReadOnlyAdmin
from mail.models import Folder

_GAPS = 20  # listed on a folder's page


@admin.register(Folder)
class FolderAdmin(ReadOnlyAdmin):
    """A mailbox has tens of folders, thousands at most."""

    list_display = ("path", "role", "state_words", "progress", "synced", "error_words")
    search_fields = ("id",)
    search_help_text = "Folder id"
    ordering = ("account", "name")
    list_select_related = ("account",)
    readonly_fields = ("state_words", "progress", "synced", "messages", "gaps")
    fieldsets = (
        (None, {"fields": ("account", "name", "role", "state_words", "progress", "unread_count", "error", "messages",
                           "gaps")}),
        ("Sync point", {"fields": ("uidvalidity", "uidnext", "highestmodseq", "backfill_uid", "flags_uid", "failures",
                                   "next_try_at", "synced")}),
        ("Server", {"fields": ("id", "wire_name", "delimiter", "attributes", "selectable", "mailbox_id",
                               "wished_name", "hidden", "created_at")}),
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

    @admin.display(description="Messages missing")
    def gaps(self, folder: Folder) -> SafeString:
        """UIDs that the server lists and the mirror does not have, with the reason and the next try."""
        total = folder.gaps.count()
        if not total:
            return SafeString("none")
        lines = format_html_join(
            "",
            "<li>UID {}: {}; asked for again on {}</li>",
            (
                (gap.uid, gap.reason[:300], wording.moment(gap.next_try_at))
                for gap in folder.gaps.order_by("uid")[:_GAPS]
            ),
        )
        rest = format_html("<li>and {} more</li>", total - _GAPS) if total > _GAPS else ""
        return format_html("<ul>{}{}</ul>", lines, rest)

    @admin.display(description="Messages")
    def messages(self, folder: Folder) -> SafeString:
        url = f"{reverse('admin:mail_message_changelist')}?account={folder.account_id}&folder={folder.pk}"
        return format_html('<a class="sf-link" href="{}">Show its messages</a>', url)
