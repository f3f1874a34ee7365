"""manage.py rotate_keys: brings all stored credentials under the first of SYNCFARM_SECRET_KEYS.

Safe beside a running farm: a token is replaced only if it still is the one that was read, so that a password changed
meanwhile stays. Resumable: tokens under the first key are passed over.
"""

from collections import Counter
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from rich.progress import Progress

from accounts.credentials import CredentialsLocked, reseal
from accounts.models import Account

_BATCH = 200  # row locks are held for one batch's commit, some 50 ms


class Command(BaseCommand):
    """Encrypts all credentials with the first secret key."""

    help = "Encrypts all accounts' credentials with the first of SYNCFARM_SECRET_KEYS."

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 -- Django hands them over
        """Go through all accounts in order of their ids; exit status 1 if a token could not be read."""
        outcomes: Counter[str] = Counter()
        with Progress() as progress:
            bar = progress.add_task("credentials", total=Account.objects.count())
            last = UUID(int=0)
            while batch := list(
                Account.objects.filter(id__gt=last).order_by("id").values_list("id", flat=True)[:_BATCH]
            ):
                with transaction.atomic():
                    for account_id in batch:
                        outcomes[self._rotate(account_id)] += 1
                progress.advance(bar, len(batch))
                last = batch[-1]
        self.stdout.write(
            f"{outcomes['rotated']} re-encrypted, {outcomes['current']} already under the first key, "
            f"{outcomes['unreadable']} unreadable."
        )
        if outcomes["unreadable"]:
            raise CommandError("No key of SYNCFARM_SECRET_KEYS opens the credentials of the accounts named above.")

    def _rotate(self, account_id: UUID) -> str:
        """`rotated`, `current` (nothing to do) or `unreadable`. Tries again as long as others change the token."""
        while token := bytes(_token(account_id)):
            try:
                fresh = reseal(token)
            except CredentialsLocked:
                self.stderr.write(f"{account_id}: unreadable")
                return "unreadable"
            if fresh is None:
                return "current"
            if Account.objects.filter(id=account_id, credentials=token).update(credentials=fresh):
                return "rotated"
        return "current"  # removed meanwhile: its credentials are gone


def _token(account_id: UUID) -> bytes | memoryview:
    return Account.objects.filter(id=account_id).values_list("credentials", flat=True).first() or b""
