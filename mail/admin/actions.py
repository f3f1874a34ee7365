"""Changes that were made here, latest first: how far each got on its way to the server, and another try."""

# ruff: noqa: ARG002 -- Django's signatures

from collections import defaultdict
from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.db.models import OuterRef, Prefetch, QuerySet, Subquery
from django.db.models.expressions import RawSQL
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.models import Account
from mail import actions
from mail.admin import wording
from mail.admin.bounded import ReadOnlyAdmin, as_uuid
from mail.models import Action, ActionKind, ActionState, Folder, Message

_STATES = {
    ActionState.PENDING: ("On its way", "info"),
    ActionState.DONE: ("Done", "success"),
    ActionState.SUPERSEDED: ("Overtaken", ""),
    ActionState.FAILED: ("Refused", "danger"),
}
_TARGET_NAMES = "ARRAY(SELECT f.seen_name FROM mail_folder f WHERE f.id = ANY(mail_action.folders) ORDER BY 1)"
_UNREAD = {True: "unread", False: "read", None: ""}
_STARRED = {True: "starred", False: "not starred", None: ""}


@admin.register(Action)
class ActionAdmin(ReadOnlyAdmin):
    """In the order of the index action_listing."""

    actions = ("try_again",)
    list_display = ("made", "what", "object_link", "state_label", "reason")
    list_display_links = ("what",)
    search_fields = ("id",)
    search_help_text = "Action id"
    ordering = ("-created_at", "-id")
    readonly_fields = ("made", "what", "object_link", "state_label", "again", "ended")
    fields = ("account", "what", "object_link", "state_label", "error", "tries", "made", "again", "ended", "id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Action]:
        """With their messages and the names of folders: no foreign key says that they are all there."""
        subjects = Prefetch("message", Message.objects.only("subject"))
        rows: QuerySet[Action] = super().get_queryset(request).prefetch_related(subjects)
        own_name = Folder.objects.filter(pk=OuterRef("folder")).values("seen_name")
        return rows.annotate(target_names=RawSQL(_TARGET_NAMES, []), folder_name=Subquery(own_name))  # noqa: S611

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Action], search_term: str
    ) -> tuple[QuerySet[Action], bool]:
        """By the id that the API gives."""
        found = as_uuid(search_term)
        return (queryset.filter(id=found) if found else queryset if not search_term else queryset.none()), False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Looking and acting are two permissions."""
        return request.user.has_perm("accounts.change_account")

    @admin.action(description="Try again", permissions=["operate"])
    def try_again(self, request: HttpRequest, queryset: QuerySet[Action]) -> None:
        """Carry out after all what was refused."""
        chosen: defaultdict[UUID, list[UUID]] = defaultdict(list)
        for row in queryset:
            chosen[row.account_id].append(row.id)
        again = 0
        for account_id, wanted in chosen.items():
            try:
                again += actions.retry(account_id, wanted)
            except Account.DoesNotExist:  # it is being removed
                continue
        kind = messages.SUCCESS if again else messages.WARNING
        self.message_user(request, f"{again} of {len(queryset)} are tried again; only what was refused can be.", kind)

    @admin.display(description="Made (UTC)")
    def made(self, row: Action) -> SafeString:
        return wording.moment(row.created_at, seconds=True)

    @admin.display(description="Next try (UTC)")
    def again(self, row: Action) -> SafeString:
        return wording.moment(row.next_try_at if row.state == ActionState.PENDING else None, seconds=True)

    @admin.display(description="Ended (UTC)")
    def ended(self, row: Action) -> SafeString:
        return wording.moment(row.ended_at, seconds=True)

    @admin.display(description="Change")
    def what(self, row: Action) -> SafeString:
        return wording.short(_words(row))

    @admin.display(description="Message or folder")
    def object_link(self, row: Any) -> SafeString:
        if row.folder:
            return _folder_link(row)
        found = row.message
        if found is None:
            return format_html("{} (gone)", row.message_id)
        url = reverse("admin:mail_message_change", args=[found.pk])
        return format_html('<a class="sf-link" href="{}">{}</a>', url, wording.short(found.subject or "(no subject)"))

    @admin.display(description="State")
    def state_label(self, row: Action) -> SafeString:
        return wording.live(f"state {row.pk}", wording.label(*_STATES[ActionState(row.state)]))

    @admin.display(description="Reason")
    def reason(self, row: Action) -> SafeString:
        return wording.live(f"reason {row.pk}", wording.short(row.error))


def _folder_link(row: Any) -> SafeString:
    if row.folder_name is None:
        return format_html("{} (gone)", row.folder)
    url = reverse("admin:mail_folder_change", args=[row.folder])
    return format_html('<a class="sf-link" href="{}">{}</a>', url, wording.short(row.folder_name))


def _words(row: Any) -> str:
    """`row`: as ActionAdmin reads it."""
    target = ", ".join(row.target_names) or ("a folder that is gone" if row.folders else "the top")
    below, moved = f" below {target}" if row.folders else "", f", move to {target}" if row.folders is not None else ""
    words = {
        ActionKind.FLAGS: f"Mark as {', '.join(filter(None, (_UNREAD[row.unread], _STARRED[row.starred])))}",
        ActionKind.FOLDERS: f"Move to {target}",
        ActionKind.DELETE: "Delete for good",
        ActionKind.APPEND: f"Put into {target}",
        ActionKind.MAKE_FOLDER: f"Make folder {row.name}{below}",
        ActionKind.RENAME_FOLDER: f"Rename folder to {row.name}{moved}",
        ActionKind.DELETE_FOLDER: "Delete folder",
    }
    return words[ActionKind(row.kind)]
