"""manage.py sync EMAIL: sync a mailbox now, with a progress bar."""

import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Sum
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from accounts.models import Account, AccountState
from mail import lease
from mail.management.accounts import add_account_arguments, find_account
from mail.mirror import Result, sync_account
from mail.models import Folder
from mail.types import LeaseLost


class Command(BaseCommand):
    """Exit status 0: the mailbox is current (with --until-idle: and whole); 1: it is not, the last line says why."""

    help = "Sync a mailbox now, here, whatever its schedule."

    def add_arguments(self, parser: CommandParser) -> None:
        """EMAIL [--until-idle] [--application NAME]."""
        add_account_arguments(parser)
        parser.add_argument("--until-idle", action="store_true", help="go on until the whole mailbox is mirrored")

    def handle(self, **options: Any) -> None:
        """Turn after turn, as the workers do it, but thorough."""
        account = find_account(options["email"], options["application"])
        progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("messages"),
            TimeRemainingColumn(), console=Console(),
        )  # fmt: skip
        with progress:
            bar = progress.add_task(account.email, total=None)

            def show() -> None:
                sums = Folder.objects.filter(account=account).aggregate(
                    done=Sum("mirrored_count"), all=Sum("total_count")
                )
                progress.update(bar, completed=sums["done"] or 0, total=max(sums["all"] or 0, sums["done"] or 0))

            result = self._turn(account, show)
            while options["until_idle"] and result.more and not result.error:
                result = self._turn(account, show)
        if result.error:
            raise CommandError(str(result.error))
        if result.failing:
            raise CommandError(f"{result.failing} folders were refused by the server; see their errors in the admin.")
        self.stdout.write(self.style.SUCCESS("More is to come: sync again." if result.more else "Up to date."))

    def _turn(self, account: Account, show: Callable[[], None]) -> Result:
        """One turn; waits for its own while a worker of the farm has one."""
        while True:
            show()
            try:
                token = lease.claim(account.id)
                return sync_account(account.id, token, thorough=True, on_commit=show, budget=timedelta(minutes=5))
            except LeaseLost as error:
                account.refresh_from_db()
                if account.state == AccountState.PAUSED or account.removed_at:
                    raise CommandError(f"{account.email}: {error}.") from error
                time.sleep(1)
