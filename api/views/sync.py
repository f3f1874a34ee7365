"""G/sync: how much of the mailbox an answer covers, and asking for a sync now. Ours, beside the contract."""

from django.db.models import Count
from django.utils import timezone
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import Account, AccountState
from api import objects
from api.errors import InvalidRequest
from api.openapi import Answer
from api.serializers import unix
from api.views.contract import GrantView
from mail import intent
from mail.models import Folder, FolderState, Gap
from mail.watch.standing import standing_of


class Sync(GrantView):
    """How the mirror of a mailbox stands."""

    answers = {"GET": Answer(objects.Coverage), "POST": Answer(objects.Wish, status=202)}

    def get(self, _request: Request, **_path: str) -> Response:
        """Get how much of the mailbox is mirrored, per folder, and what the sync does."""
        return self.success(_coverage(self.account))

    def post(self, _request: Request, **_path: str) -> Response:
        """Ask for a sync now."""
        if not intent.request_sync(self.account.pk):
            raise InvalidRequest("The grant is paused; an operator has to resume it.")
        return self.success({"grant_id": str(self.account.pk), "requested": True}, status=202)


def _coverage(account: Account) -> objects.Coverage:
    rows = list(Folder.objects.shown().filter(account_id=account.pk, selectable=True).order_by("seen_name", "id"))
    gaps = dict(Gap.objects.filter(folder__account_id=account.pk).values_list("folder_id").annotate(Count("uid")))
    folders = [_folder(row, gaps.get(row.pk, 0)) for row in rows]
    now = timezone.now()
    watch = standing_of(account, now)
    lag = (now - account.last_sync_at).total_seconds() if account.last_sync_at else None
    return {
        "grant_id": str(account.pk),
        "object": "sync",
        "state": account.state,  # type: ignore[typeddict-item]  # one of AccountState's values
        "state_reason": account.reason or None,
        "last_error": account.last_error or None,
        "last_error_at": unix(account.last_error_at),
        "last_sync_at": unix(account.last_sync_at),
        "next_sync_at": unix(account.next_sync_at),
        "lag": None if lag is None else int(lag),
        "live_since": unix(watch.live_since),
        "watch": watch.mode.value,  # type: ignore[typeddict-item]  # one of WatchMode's values
        "watch_reason": watch.note or None,
        "total": sum(each["total"] for each in folders),
        "mirrored": sum(each["mirrored"] for each in folders),
        "complete": account.state == AccountState.LIVE and all(row.state == FolderState.LIVE for row in rows),
        "search_lag": account.log_seq - account.search_seq,
        "folders": folders,
    }


def _folder(row: Folder, unavailable: int) -> objects.FolderCoverage:
    return {
        "id": str(row.pk),
        "name": row.seen_name,
        "state": row.state,  # type: ignore[typeddict-item]  # one of FolderState's values
        "total": row.total_count,
        "mirrored": row.mirrored_count,
        "unavailable": unavailable,
        "error": row.error or None,
        "last_sync_at": unix(row.synced_at),
    }
