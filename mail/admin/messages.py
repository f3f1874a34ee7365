"""Messages of a mailbox: found by words or id, shown as text. A mail's HTML never reaches the browser."""

# ruff: noqa: ARG002 -- Django's signatures

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.views import ChangeList

from mail import bodies, mime, raw
from mail.admin import wording
from mail.admin.bounded import BoundedChangeList, ReadOnlyAdmin, as_uuid, mailboxes
from mail.models import Location, Message
from mail.search import SearchError, matching
from mail.types import BodiesWithheld

_OF_A_FOLDER = 2_000  # latest messages of a folder that can be paged through
_SHOWN_TEXT = 100_000
_LARGEST_RAW = 20_000_000  # bytes; the header lines of a larger mail are not worth unpacking it


class MessageChangeList(BoundedChangeList):
    """Knows `folder` beside `account`, from the links of the folders' pages."""

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        lookups: dict[str, Any] = super().get_filters_params(params)
        self.folder = as_uuid("".join(lookups.pop("folder", [])))
        return lookups

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        queryset = super().get_queryset(request, exclude_parameters)
        if self.folder is None:
            return queryset
        latest = Location.objects.filter(folder=self.folder).order_by("-received_at", "-message")
        return queryset.filter(pk__in=latest.values("message")[:_OF_A_FOLDER])


@admin.register(Message)
class MessageAdmin(ReadOnlyAdmin):
    """In the order of the index message_listing."""

    list_display = ("received", "sender", "subject_line", "marks", "length", "problem_words")
    list_display_links = ("subject_line",)
    search_fields = ("id",)
    search_help_text = 'Words, from:, "a phrase", Message-ID or id'
    ordering = ("-received_at", "-id")
    change_form_outer_after_template = "mail/admin/message_details.html"
    readonly_fields = ("received", "sent", "sender", "recipients", "thread_link", "marks", "length")
    fields = ("account", "subject", "sender", "recipients", "received", "sent", "thread_link", "marks", "problem",
              "length", "header_id", "id")  # fmt: skip

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return MessageChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Message], search_term: str
    ) -> tuple[QuerySet[Message], bool]:
        accounts = mailboxes(request.GET.get("account", "")) if search_term else []
        if not accounts or as_uuid(search_term):
            return super().get_search_results(request, queryset, search_term)
        by_header = queryset.filter(account=accounts[0], header_id=search_term.strip("<> "))
        if "@" in search_term and by_header.exists():
            return by_header, False
        try:
            return queryset.filter(matching(accounts[0].pk, search_term)), False
        except SearchError as error:
            self.message_user(request, str(error), messages.WARNING)
            return queryset.none(), False

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        message = self.get_object(request, object_id)
        context = details(message) if message else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    @admin.display(description="Received (UTC)")
    def received(self, message: Message) -> SafeString:
        return wording.moment(message.received_at)

    @admin.display(description="Date header (UTC)")
    def sent(self, message: Message) -> SafeString:
        return wording.moment(message.sent_at, seconds=True)

    @admin.display(description="From")
    def sender(self, message: Message) -> SafeString:
        return wording.short(_addresses(message.from_addresses))

    @admin.display(description="Recipients")
    def recipients(self, message: Message) -> str:
        kinds = (("To", message.to_addresses), ("Cc", message.cc_addresses), ("Bcc", message.bcc_addresses),
                 ("Reply-To", message.reply_to_addresses))  # fmt: skip
        return (
            "\n".join(f"{kind}: {_addresses(addresses)}" for kind, addresses in kinds if addresses) or wording.NOTHING
        )

    @admin.display(description="Subject")
    def subject_line(self, message: Message) -> SafeString:
        return wording.short(message.subject or "(no subject)", "sf-unread" if message.unread else "")

    @admin.display(description="Marks")
    def marks(self, message: Message) -> str:
        marks = (("unread", message.unread), ("starred", message.starred), ("draft", message.draft),
                 ("attachments", message.has_attachments), ("in no folder", not message.folder_ids))  # fmt: skip
        return ", ".join(mark for mark, has_it in marks if has_it) or wording.NOTHING

    @admin.display(description="Size")
    def length(self, message: Message) -> str:
        return wording.size(message.size)

    @admin.display(description="Problem")
    def problem_words(self, message: Message) -> SafeString:
        return wording.short(message.problem)

    @admin.display(description="Thread")
    def thread_link(self, message: Message) -> SafeString:
        url = reverse("admin:mail_thread_change", args=[message.thread_id])
        count = message.thread.message_count
        return format_html('<a class="sf-link" href="{}">{} message{}</a>', url, count, "" if count == 1 else "s")


def details(message: Message) -> dict[str, Any]:
    """Places, attachments, header lines and the visible text, for the end of the message's page."""
    return {
        "places": Location.objects.filter(message=message).select_related("folder").order_by("folder__name", "uid"),
        "attachments": [
            {**attachment, "size": wording.size(attachment["size"])} for attachment in message.attachments
        ],
        "headers": _headers(message),
        "text": _text(message),
    }  # fmt: skip


def _headers(message: Message) -> list[tuple[str, str]]:
    if message.size > _LARGEST_RAW:
        return [("", f"not shown for a message of {wording.size(message.size)}")]
    source = raw.stored(message)
    return mime.headers(source) if source is not None else []


def _text(message: Message) -> str:
    try:
        shown = bodies.shown([message]).get(message.pk, bodies.EMPTY)
    except BodiesWithheld as error:
        return f"({error})"
    return mime.visible_text(shown.parsed())[:_SHOWN_TEXT]


def _addresses(addresses: list[dict[str, str]]) -> str:
    return ", ".join(f"{each['name']} <{each['email']}>" if each["name"] else each["email"] for each in addresses)
