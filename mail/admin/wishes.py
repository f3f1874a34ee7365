"""What an operator may ask of accounts: sync now, pause, resume, remove. Each is noted in the admin's own history."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import action
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin

from accounts.models import Account
from mail import intent


class WishesAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """Actions of the list; the page of one account posts to them too, with `return` set."""

    actions: Any = ("sync_now", "pause", "resume", "remove")

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Looking at accounts and acting on them are two permissions."""
        return request.user.has_perm("accounts.change_account")

    @action(description="Sync now", permissions=["operate"])
    def sync_now(self, request: HttpRequest, queryset: QuerySet[Account]) -> HttpResponse | None:
        """Make the accounts due."""
        return self._wish(request, queryset, intent.request_sync, ("will sync now", "paused or being removed"))

    @action(description="Pause", permissions=["operate"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Account]) -> HttpResponse | None:
        """No syncs until resumed."""
        return self._wish(request, queryset, intent.pause, ("paused", "paused already or being removed"))

    @action(description="Resume", permissions=["operate"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Account]) -> HttpResponse | None:
        """Sync again, also after an error that only its owner could mend."""
        return self._wish(request, queryset, intent.resume, ("will sync again", "running already or being removed"))

    @action(description="Remove with all its mail…", permissions=["operate"])
    def remove(self, request: HttpRequest, queryset: QuerySet[Account]) -> HttpResponse | None:
        """Asks first."""
        if request.POST.get("confirmed"):
            return self._wish(
                request, queryset, intent.remove, ("removed; the data goes within minutes", "gone already")
            )
        context = {
            **self.admin_site.each_context(request),
            "title": "Remove mailboxes",
            "accounts": queryset,
            "opts": self.opts,
        }
        return TemplateResponse(request, "mail/admin/confirm_removal.html", context)

    def _wish(
        self, request: HttpRequest, queryset: QuerySet[Account], wish: Callable[[UUID], bool], words: tuple[str, str]
    ) -> HttpResponse | None:
        done, refused = words
        for account in queryset:
            if wish(account.pk):
                self.log_change(request, account, f"Mailbox {done}.")
                self.message_user(request, f"{account}: {done}.", messages.SUCCESS)
            else:
                self.message_user(request, f"{account}: nothing to do, it is {refused}.", messages.WARNING)
        return _back(request, queryset)


def _back(request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
    """To the page of the one account that the wish came from; None: to the list."""
    account = queryset.first() if request.POST.get("return") else None
    return HttpResponseRedirect(reverse("admin:accounts_account_change", args=[account.pk])) if account else None
