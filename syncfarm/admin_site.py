"""How the admin looks and what its menu holds: the theme's settings. Settings import it, so it imports no models."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy


def _asset(path: str) -> Callable[[HttpRequest], str]:
    return lambda _request: static(path)


def _may(permission: str) -> Callable[[HttpRequest], bool]:
    return lambda request: request.user.has_perm(permission)


def _page(title: str, icon: str, model: str) -> dict[str, Any]:
    """An entry of the menu: a model's list. `model`: "app.model"."""
    app, name = model.split(".")
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": _may(f"{app}.view_{name}"),
    }


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Syncfarm",
    "SITE_HEADER": "Syncfarm",
    "SITE_SUBHEADER": "Mailboxes, mirrored",
    "SITE_SYMBOL": "mark_email_read",
    "SITE_URL": "/",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": _asset("mail/favicon.svg")}],
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "mail.admin.dashboard.figures",
    "STYLES": [_asset("mail/admin.css")],
    "SCRIPTS": [_asset("mail/live.js")],
    "SIDEBAR": {
        "navigation": [
            {
                "title": "Mail",
                "items": [
                    {"title": "Overview", "icon": "dashboard", "link": reverse_lazy("admin:index")},
                    _page("Accounts", "inbox", "accounts.account"),
                    _page("Folders", "folder", "mail.folder"),
                    _page("Messages", "mail", "mail.message"),
                    _page("Threads", "forum", "mail.thread"),
                    _page("Changes made here", "edit", "mail.action"),
                    _page("Outgoing mail", "outbox", "mail.outgoing"),
                    _page("Change log", "history", "mail.logentry"),
                ],
            },
            {
                "title": "Access",
                "separator": True,
                "items": [
                    _page("Applications", "apps", "accounts.application"),
                    _page("API keys", "key", "accounts.apikey"),
                    _page("Operators", "person", "auth.user"),
                    _page("Groups", "group", "auth.group"),
                ],
            },
            {
                "title": "Schedule",
                "separator": True,
                "items": [
                    _page("Scheduled tasks", "schedule", "django_celery_beat.periodictask"),
                    _page("Intervals", "timer", "django_celery_beat.intervalschedule"),
                    _page("Crontabs", "calendar_month", "django_celery_beat.crontabschedule"),
                ],
            },
        ],
    },
}
