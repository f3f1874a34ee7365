"""The change log of a mailbox, latest first."""

# ruff: noqa: ARG002 -- Django's signatures

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from mail.admin import wording
from mail.admin.bounded import ReadOnlyAdmin, as_uuid
from mail.models import LogEntry

_PAGES = {
    "message": "admin:mail_message_change",
    "thread": "admin:mail_thread_change",
    "folder": "admin:mail_folder_change",
    "grant": "admin:accounts_account_change",
}


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """In the order of the table's primary key (account, seq)."""

    list_display = ("seq", "written", "object_type", "kind", "object_link")
    list_display_links = None
    readonly_fields = ("written", "object_link")
    fields = ("account", "seq", "written", "object_type", "kind", "object_link")
    search_fields = ("seq",)
    search_help_text = "Go to entry number"
    ordering = ("-seq",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[LogEntry], search_term: str
    ) -> tuple[QuerySet[LogEntry], bool]:
        """From that entry backwards: the index finds the place, however long the log is."""
        if not search_term:
            return queryset, False
        return (queryset.filter(seq__lte=int(search_term)) if _is_seq(search_term) else queryset.none()), False

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> LogEntry | None:
        """By (account, seq): the view's id is computed, and no index has it."""
        account, _, seq = object_id.rpartition("-")
        if not as_uuid(account) or not _is_seq(seq):
            return None
        return self.get_queryset(request).filter(account_id=as_uuid(account), seq=int(seq)).first()  # type: ignore[no-any-return]

    @admin.display(description="Written (UTC)")
    def written(self, entry: LogEntry) -> SafeString:
        return wording.moment(entry.created_at, seconds=True)

    @admin.display(description="Object")
    def object_link(self, entry: Any) -> SafeString:
        return object_link(entry)


def object_link(entry: LogEntry) -> SafeString:
    """The object's page, which is gone if the object is."""
    if entry.kind == "deleted" or entry.object_type not in _PAGES:
        return format_html("{}", str(entry.object_id))
    url = reverse(_PAGES[entry.object_type], args=[entry.object_id])
    return format_html('<a class="sf-link" href="{}">{}</a>', url, str(entry.object_id))


def _is_seq(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 18
