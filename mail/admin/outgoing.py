"""Mail that is sent from here, latest first: how far each message got, and who did not get it."""

# ruff: noqa: ARG002 -- Django's signatures

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from mail.admin import wording
from mail.admin.bounded import ReadOnlyAdmin, as_uuid
from mail.models import Outgoing, OutgoingState

_STATES = {
    OutgoingState.SCHEDULED: ("Waits for its time", ""),
    OutgoingState.QUEUED: ("To be sent", "info"),
    OutgoingState.SENDING: ("Being sent", "info"),
    OutgoingState.ACCEPTED: ("Sent, to be filed", "info"),
    OutgoingState.SENT: ("Sent", "success"),
    OutgoingState.FAILED: ("Not sent", "danger"),
    OutgoingState.UNCERTAIN: ("Perhaps sent", "warning"),
    OutgoingState.CANCELLED: ("Cancelled", ""),
}
_SHOWN = 5  # recipients of a row


@admin.register(Outgoing)
class OutgoingAdmin(ReadOnlyAdmin):
    """In the order of the index outgoing_listing."""

    list_display = ("made", "title", "who", "state_label", "reason")
    list_display_links = ("title",)
    search_fields = ("id",)
    search_help_text = "Id of the send, or of the schedule"
    ordering = ("-created_at", "-id")
    readonly_fields = ("made", "title", "who", "state_label", "at", "again", "ended", "copy", "not_reached")
    fields = (
        *("account", "title", "sender", "who", "state_label", "error", "not_reached", "response", "copy"),
        *("tries", "made", "at", "again", "ended", "header_id", "id"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Outgoing]:
        """Without the mail itself."""
        rows: QuerySet[Outgoing] = super().get_queryset(request).defer("octets")
        return rows

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Outgoing], search_term: str
    ) -> tuple[QuerySet[Outgoing], bool]:
        """By the id that the API gives."""
        found = as_uuid(search_term)
        return (queryset.filter(id=found) if found else queryset if not search_term else queryset.none()), False

    @admin.display(description="Made (UTC)")
    def made(self, row: Outgoing) -> SafeString:
        return wording.moment(row.created_at, seconds=True)

    @admin.display(description="Subject")
    def title(self, row: Outgoing) -> SafeString:
        return wording.short(row.subject or "(no subject)")

    @admin.display(description="To")
    def who(self, row: Outgoing) -> SafeString:
        more = len(row.recipients) - _SHOWN
        return wording.short(", ".join(row.recipients[:_SHOWN]) + (f" and {more} more" if more > 0 else ""))

    @admin.display(description="State")
    def state_label(self, row: Outgoing) -> SafeString:
        return wording.live(f"state {row.pk}", wording.label(*_STATES[OutgoingState(row.state)]))

    @admin.display(description="Reason")
    def reason(self, row: Outgoing) -> SafeString:
        return wording.live(f"reason {row.pk}", wording.short(row.error or _refused(row)))

    @admin.display(description="To be sent (UTC)")
    def at(self, row: Outgoing) -> SafeString:
        return wording.moment(row.send_at, seconds=True)

    @admin.display(description="Next try (UTC)")
    def again(self, row: Outgoing) -> SafeString:
        waits = row.state in {OutgoingState.SCHEDULED, OutgoingState.QUEUED, OutgoingState.ACCEPTED}
        return wording.moment(row.next_try_at if waits else None, seconds=True)

    @admin.display(description="Ended (UTC)")
    def ended(self, row: Outgoing) -> SafeString:
        return wording.moment(row.ended_at, seconds=True)

    @admin.display(description="Copy")
    def copy(self, row: Outgoing) -> SafeString:
        if not row.message_id:
            return wording.short("")
        url = reverse("admin:mail_message_change", args=[row.message_id])
        return format_html('<a class="sf-link" href="{}">{}</a>', url, row.message_id)

    @admin.display(description="Did not get it")
    def not_reached(self, row: Outgoing) -> SafeString:
        lines = ((each["address"], each["code"], each["message"]) for each in row.refused)
        return format_html_join(mark_safe("<br>"), "{}: {} {}", lines) or wording.short("")


def _refused(row: Outgoing) -> str:
    return f"Refused: {', '.join(each['address'] for each in row.refused[:_SHOWN])}" if row.refused else ""
