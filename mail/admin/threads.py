"""Threads of a mailbox, latest first."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from mail.admin import wording
from mail.admin.bounded import ReadOnlyAdmin
from mail.models import Message, Thread

_SHOWN = 100


@admin.register(Thread)
class ThreadAdmin(ReadOnlyAdmin):
    """In the order of the index thread_listing."""

    list_display = ("latest", "subject_line", "message_count", "unread", "starred", "has_attachments")
    list_display_links = ("subject_line",)
    search_fields = ("id",)
    search_help_text = "Thread id"
    ordering = ("-latest_at", "-id")
    readonly_fields = ("messages", "latest", "earliest")
    fields = ("account", "subject", "messages", "message_count", "earliest", "latest", "unread", "starred",
              "has_attachments", "has_drafts", "provider_key", "id")  # fmt: skip

    @admin.display(description="Latest (UTC)")
    def latest(self, thread: Thread) -> SafeString:
        return wording.moment(thread.latest_at)

    @admin.display(description="Earliest (UTC)")
    def earliest(self, thread: Thread) -> SafeString:
        return wording.moment(thread.earliest_at)

    @admin.display(description="Subject")
    def subject_line(self, thread: Thread) -> SafeString:
        return wording.short(thread.subject or "(no subject)")

    @admin.display(description="Messages")
    def messages(self, thread: Thread) -> SafeString:
        shown = Message.objects.filter(thread=thread).order_by("received_at").only("subject", "received_at")[:_SHOWN]
        return format_html("<ul>{}</ul>", format_html_join("", '<li>{} <a class="sf-link" href="{}">{}</a></li>', [
            (f"{message.received_at:%Y-%m-%d %H:%M}", reverse("admin:mail_message_change", args=[message.pk]),
             message.subject or "(no subject)")
            for message in shown
        ]))  # fmt: skip
