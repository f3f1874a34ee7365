"""The first page: how the farm is, in a few figures. Two queries, whatever the number of accounts."""

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, F, Max, Min, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html

from accounts.models import Account, AccountState
from mail.admin import wording

_RECENT = timedelta(hours=1)
_SHOWN = 10


def figures(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """The theme's callback: adds the figures to the page's context."""
    if not request.user.has_perm("accounts.view_account"):
        return context
    now = timezone.now()
    rows = list(_by_state(now))
    return {
        **context,
        "states": [_state_card(row) for row in rows],
        "facts": _facts(rows, now),
        "troubles": [
            (account, wording.account_state(account), wording.short(account.last_error or account.reason),
             wording.ago(account.last_error_at, now))
            for account in _troubled(now)
        ],
    }  # fmt: skip


def _by_state(now: datetime) -> Any:
    """Per state: accounts, errors of the last hour, how long the earliest due sync and the oldest sync are ago."""
    free = Q(lease_expires_at=None) | Q(lease_expires_at__lte=now)
    return (
        Account.objects.present()
        .values("state")
        .order_by("state")
        .annotate(
            count=Count("pk"),
            errors=Count("pk", filter=Q(last_error_at__gte=now - _RECENT)),
            due=Min("next_sync_at", filter=free & ~Q(state=AccountState.PAUSED)),
            oldest=Min("last_sync_at", filter=Q(state=AccountState.LIVE)),
            unindexed=Max(F("log_seq") - F("search_seq")),
        )
    )


def _state_card(row: dict[str, Any]) -> dict[str, Any]:
    words, kind = wording.account_state_words(row["state"])
    url = f"{reverse('admin:accounts_account_changelist')}?state={row['state']}"
    return {"state": row["state"], "label": wording.label(words, kind), "count": row["count"], "url": url}


def _facts(rows: list[dict[str, Any]], now: datetime) -> list[tuple[str, str]]:
    due = min((row["due"] for row in rows if row["due"]), default=now)
    oldest = min((row["oldest"] for row in rows if row["oldest"]), default=None)
    late = (now - due).total_seconds()
    return [
        ("Oldest due sync", f"waits for {wording.duration(late)}" if late > 2 else "none waits"),
        (
            "Longest without a sync",
            format_html("last synced {}", wording.ago(oldest, now)) if oldest else wording.NOTHING,
        ),
        ("Accounts with errors in the last hour", str(sum(row["errors"] for row in rows))),
        ("Search index behind by", f"{max((row['unindexed'] for row in rows), default=0):,} log entries"),
    ]


def _troubled(now: datetime) -> list[Account]:
    failed = Account.objects.present().filter(last_error_at__gte=now - _RECENT).defer("credentials")
    return list(failed.order_by("-last_error_at")[:_SHOWN])
