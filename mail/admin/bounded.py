"""Lists over tables of any size: no count, one mailbox at a time, in an index's order, pages up to a limit."""

# ruff: noqa: ARG002 -- Django's signatures

from typing import Any
from uuid import UUID

from django.contrib.admin import SimpleListFilter
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from unfold.admin import ModelAdmin
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList

from accounts.models import Account

PER_PAGE = 50


class BoundedPaginator(InfinitePaginator):  # type: ignore[misc]  # unfold has no types
    """Pages without a count. An OFFSET reads what it skips: beyond the limit, a narrower search is the way."""

    count = 10_000


class UncountedChangeList(ChangeList):  # type: ignore[misc]  # unfold has no types
    """Keeps the order that an index has, and claims no total."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[str]:
        return list(self.model_admin.get_ordering(request))

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.full_result_count = self.result_count  # the theme prints "n results" where they differ


class BoundedChangeList(UncountedChangeList):
    """Shows nothing until a mailbox is chosen or one object is named."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Any]:
        queryset: QuerySet[Any] = super().get_queryset(request, exclude_parameters)
        self.has_filters = False  # the mailbox is chosen above the list, not in the theme's drawer
        return queryset if as_uuid(self.query) or request.GET.get("account") else queryset.none()


class MailboxFilter(SimpleListFilter):
    """One account, by its id or e-mail address."""

    title = "mailbox"
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        self.mailboxes = mailboxes(self.value() or "")
        return [(self.value() or "", ", ".join(account.email for account in self.mailboxes) or "unknown")]

    def has_output(self) -> bool:
        return bool(self.value())

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(account__in=[account.pk for account in self.mailboxes[:1]])


class ReadOnlyAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """Whoever may view it may look; nobody adds, changes or deletes: the sync is the one writer."""

    actions: Any = None
    list_filter: Any = (MailboxFilter,)
    list_before_template: str | None = "mail/admin/mailbox_choice.html"
    list_per_page = PER_PAGE
    list_max_show_all = 0
    list_fullwidth = True
    list_filter_sheet = True
    show_full_result_count = False
    sortable_by = ()
    paginator = BoundedPaginator

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return BoundedChangeList

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        wanted = request.GET.get("account", "")
        context = {"mailbox": wanted, "mailboxes": mailboxes(wanted), **(extra_context or {})}
        return super().changelist_view(request, context)

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """What the page's own filters ask. Django would let any column be asked: credentials, or one without index."""
        names = (f"{each}__id__exact" if isinstance(each, str) else each.parameter_name for each in self.list_filter)
        return lookup in names

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """By id only; pages that know better searches say so in search_help_text."""
        found = as_uuid(search_term)
        return (queryset.filter(pk=found) if found else queryset if not search_term else queryset.none()), False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


def mailboxes(wanted: str) -> list[Account]:
    """Accounts with this id or address; several applications may have connected the same mailbox. At most 10."""
    by_id = as_uuid(wanted)
    found = Account.objects.filter(pk=by_id) if by_id else Account.objects.filter(email=wanted.strip().lower())
    unknown = not wanted.strip() or "\0" in wanted  # PostgreSQL has no NUL
    return [] if unknown else list(found.select_related("application").order_by("created_at")[:10])


def as_uuid(text: str) -> UUID | None:
    """The id that the text is, if it is one."""
    try:
        return UUID(text.strip())
    except ValueError:
        return None
