"""Who may use the farm: applications, their API keys, and the operators themselves. Mailboxes are in mail.admin."""

# ruff: noqa: ARG002 -- Django's signatures

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts import keys
from accounts.models import ApiKey, Application

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc,type-arg]  # unfold has no types
    """Operators."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """What operators may do."""


@admin.register(Application)
class ApplicationAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """Customers of the farm."""

    list_display = ("name", "created_at", "mailboxes")
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("name", "id", "created_at", "mailboxes")
    readonly_fields = ("id", "created_at", "mailboxes")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """An application with mailboxes cannot go; remove those first, each by intent."""
        return obj is not None and not obj.accounts.exists() and super().has_delete_permission(request, obj)  # type: ignore[attr-defined]

    @admin.display(description="Mailboxes")
    def mailboxes(self, application: Application) -> SafeString:
        url = reverse("admin:accounts_account_changelist")
        return format_html('<a class="sf-link" href="{}?application__id__exact={}">Show</a>', url, application.pk)


class KeyForm(forms.ModelForm):  # type: ignore[type-arg]  # not a generic at run time
    """What a new key is for."""

    class Meta:
        model = ApiKey
        fields = ("application", "name", "account")

    def clean(self) -> dict[str, Any]:
        """A grant's token belongs to the grant's application."""
        data = super().clean() or {}
        if data.get("account") and data.get("application") != data["account"].application:
            raise forms.ValidationError("This mailbox belongs to another application.")
        return data


@admin.register(ApiKey)
class ApiKeyAdmin(ModelAdmin):  # type: ignore[misc]  # unfold has no types
    """Keys are made and revoked, never changed; the secret is on the page that follows its making, and nowhere else."""

    form = KeyForm
    list_display = ("name", "application", "shown_prefix", "account", "created_at", "last_used_at", "revoked_at")
    list_filter = ("application",)
    list_select_related = ("application", "account")
    search_fields = ("name", "prefix")
    ordering = ("-created_at",)
    raw_id_fields = ("account",)
    actions = ("revoke",)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> tuple[str, ...]:
        made = ("prefix", "created_at", "last_used_at", "revoked_at") if obj else ()
        return ("application", "name", "account", *made)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Whoever may change a key may revoke it, which is the one change there is."""
        return request.user.has_perm("accounts.change_apikey")

    def save_model(self, request: HttpRequest, obj: ApiKey, form: KeyForm, change: bool) -> None:
        made, secret = keys.create(obj.application, obj.name, obj.account)
        obj.__dict__.update(made.__dict__)
        obj.secret = secret  # type: ignore[attr-defined]  # for response_add, which ends this request

    @admin.display(description="Begins with")
    def shown_prefix(self, key: ApiKey) -> str:
        return f"{key.prefix}…"

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        """From now on these keys open nothing."""
        for key in queryset.filter(revoked_at=None):
            self.log_change(request, key, "Revoked.")
        revoked = queryset.filter(revoked_at=None).update(revoked_at=timezone.now())
        self.message_user(request, f"{revoked} revoked.", messages.SUCCESS)

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "title": "The new key", "key": obj, "opts": self.opts}
        response = TemplateResponse(request, "accounts/admin/key_created.html", context)
        add_never_cache_headers(response)
        return response
