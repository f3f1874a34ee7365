"""Accounts: what each mailbox is doing, how far it is, what is wrong with it."""

# ruff: noqa: ARG002 -- Django's signatures

import re
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import admin
from django.db.models import Count, Q, QuerySet, Sum
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from unfold.views import ChangeList

from accounts.models import Account, AccountState
from mail.admin import wording
from mail.admin.bounded import ReadOnlyAdmin, UncountedChangeList, as_uuid
from mail.admin.log import object_link
from mail.admin.wishes import WishesAdmin
from mail.models import Folder, FolderState, LogEntry
from mail.watch.standing import standing_of

_SHOWN_SETTING = re.compile(r"(imap|smtp)_(host|port|security|username)")  # a list of what may be shown, not of secrets
_LATEST_CHANGES = 15


class StateFilter(admin.SimpleListFilter):
    """States in the words of the list."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        states = [(state.value, wording.account_state_words(state)[0]) for state in AccountState]
        return [*states, ("removed", "Being removed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Account]) -> QuerySet[Account]:
        if self.value() == "removed":
            return queryset.exclude(removed_at=None)
        return _chosen(self, queryset, state=self.value(), removed_at=None)


class ProviderFilter(admin.SimpleListFilter):
    """The contract's providers; asking the table which there are would read all of it."""

    title = "provider"
    parameter_name = "provider"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in ("imap", "google", "microsoft", "icloud", "yahoo", "ews")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Account]) -> QuerySet[Account]:
        return _chosen(self, queryset, provider=self.value())


def _chosen(choice: admin.SimpleListFilter, queryset: QuerySet[Account], **facts: Any) -> QuerySet[Account]:
    """The accounts of a choice; none where an address names a choice that is not offered."""
    if not choice.value():
        return queryset
    return queryset.filter(**facts) if choice.value() in dict(choice.lookup_choices) else queryset.none()


class AccountChangeList(UncountedChangeList):
    """Adds to each account of the page how far its mirror is: one query for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: list[Any] = list(self.result_list)
        figures = mirrored({account.pk for account in self.result_list})
        for account in self.result_list:
            account.figures = figures.get(account.pk, Figures())


@admin.register(Account)
class AccountAdmin(WishesAdmin, ReadOnlyAdmin):
    """The page an operator has open all day; live.js keeps it current."""

    list_display = (
        "address",
        "state_words",
        "progress",
        "last_sync",
        "lag",
        "every",
        "last_error_words",
        "application",
    )
    list_filter = (StateFilter, ProviderFilter, "application")
    list_select_related = ("application",)
    list_before_template = None
    list_disable_select_all = True
    search_fields = ("email",)
    search_help_text = "Beginning of the address, or an id"
    ordering = ("-created_at",)
    change_form_outer_before_template = "mail/admin/account_summary.html"
    change_form_outer_after_template = "mail/admin/account_details.html"
    readonly_fields = ("servers", "offered", "connected")
    fieldsets = (
        ("Mailbox", {"fields": ("email", "name", "application", "provider", "id", "connected")}),
        ("Servers", {"fields": ("servers", "offered")}),
    )  # fmt: skip

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return AccountChangeList

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Account], search_term: str
    ) -> tuple[QuerySet[Account], bool]:
        by_id = as_uuid(search_term)
        return (queryset.filter(pk=by_id) if by_id else queryset.filter(email__startswith=search_term.lower())), False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Account]:
        """Without those of which nothing is left but the log."""
        return super().get_queryset(request).filter(emptied_at=None).defer("credentials")  # type: ignore[no-any-return]

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        account = self.get_object(request, object_id)
        context = {**summary(account), **details(account)} if account else {}
        return super().change_view(request, object_id, form_url, {**context, **(extra_context or {})})

    @admin.display(description="Account")
    def address(self, account: Account) -> SafeString:
        return wording.short(account.email)

    @admin.display(description="Connected (UTC)")
    def connected(self, account: Account) -> SafeString:
        return wording.moment(account.created_at)

    @admin.display(description="State")
    def state_words(self, account: Account) -> SafeString:
        return _live(account, "state", wording.account_state(account))

    @admin.display(description="Mirrored")
    def progress(self, account: Any) -> SafeString:
        return _live(account, "progress", _bar(account.figures))

    @admin.display(description="Last sync")
    def last_sync(self, account: Account) -> SafeString:
        return _live(account, "sync", wording.ago(account.last_sync_at, timezone.now()))

    @admin.display(description="Lag")
    def lag(self, account: Account) -> SafeString:
        return _live(account, "lag", wording.lateness(account, timezone.now()))

    @admin.display(description="Every")
    def every(self, account: Account) -> SafeString:
        return _live(account, "every", wording.duration(account.interval))

    @admin.display(description="Last error")
    def last_error_words(self, account: Account) -> SafeString:
        return _live(account, "error", wording.short(trouble(account)))

    @admin.display(description="Servers")
    def servers(self, account: Account) -> str:
        shown = {key: value for key, value in sorted(account.settings.items()) if _SHOWN_SETTING.fullmatch(key)}
        return "\n".join(f"{key}: {value}" for key, value in shown.items()) or wording.NOTHING

    @admin.display(description="Server offers")
    def offered(self, account: Account) -> str:
        return " ".join(account.capabilities) or wording.NOTHING


class Figures(NamedTuple):
    """How far an account's mirror is."""

    mirrored: int = 0  # messages, counted once for each folder that holds them
    total: int = 0  # the same on the server
    failing: int = 0  # folders that the server refuses


def mirrored(account_ids: set[UUID]) -> dict[UUID, Figures]:
    """Figures of each account that has folders."""
    folders = Folder.objects.filter(account__in=account_ids, selectable=True).values("account").order_by()
    rows = folders.annotate(
        total=Sum("total_count"),
        mirrored=Sum("mirrored_count"),
        failing=Count("pk", filter=Q(state=FolderState.ERROR)),
    )
    return {row["account"]: Figures(row["mirrored"], row["total"], row["failing"]) for row in rows}


def trouble(account: Account) -> str:
    """What is wrong: the reason of its state, or the last error while it still fails."""
    if account.state in (AccountState.INVALID, AccountState.ERROR) or account.failures:
        return account.last_error or account.reason
    return account.reason


def summary(account: Account, now: datetime | None = None) -> dict[str, Any]:
    """What the head of the account's page shows."""
    now = now or timezone.now()
    figures = mirrored({account.pk}).get(account.pk, Figures())
    return {
        "state": wording.account_state(account),
        "progress": _bar(figures),
        "failing_folders": figures.failing,
        "trouble": trouble(account),
        "facts": (
            ("Last sync", wording.ago(account.last_sync_at, now)),
            ("Schedule", wording.lateness(account, now)),
            ("Synced every", wording.duration(account.interval)),
            ("Told of changes", wording.watch(standing_of(account, now), now)),
            ("Last change", wording.ago(account.last_change_at, now)),
            ("Last error", wording.ago(account.last_error_at, now)),
            ("Failures in a row", account.failures),
            ("Change log", f"{account.log_seq:,} entries"),
            ("Search index", _index_lag(account)),
        ),
    }


def details(account: Account) -> dict[str, Any]:
    """Folders and the latest changes, for the end of the account's page."""
    folders = Folder.objects.filter(account=account).order_by("name")
    changes = LogEntry.objects.filter(account=account).order_by("-seq")[:_LATEST_CHANGES]
    now = timezone.now()
    return {
        "folders": [
            (folder, wording.folder_state(folder.state), wording.progress(folder.mirrored_count, folder.total_count))
            for folder in folders
        ],
        "changes": [(entry, wording.ago(entry.created_at, now), object_link(entry)) for entry in changes],
    }


def _bar(figures: Figures) -> SafeString:
    return wording.progress(figures.mirrored, figures.total)


def _index_lag(account: Account) -> str:
    behind = account.log_seq - account.search_seq
    return f"{behind:,} entries behind" if behind else "up to date"


def _live(account: Account, column: str, content: str) -> SafeString:
    return wording.live(f"{column}-{account.pk.hex}", content)
