"""manage.py audit EMAIL: compare mirror and server."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mail import audit, repair
from mail.management.accounts import add_account_arguments, find_account
from mail.types import LeaseLost, MailError


class Command(BaseCommand):
    """Exit status 1 if there is any difference (after the repair, with --repair)."""

    help = "Compare a mailbox's mirror with its server: folders, UIDs, flags, and the bytes of a sample."

    def add_arguments(self, parser: CommandParser) -> None:
        """EMAIL [--repair] [--sample N] [--application NAME]."""
        add_account_arguments(parser)
        parser.add_argument("--repair", action="store_true", help="copy folders that differ anew; ids stay")
        parser.add_argument("--sample", type=int, default=audit.SAMPLE, help="messages per folder compared by bytes")

    def handle(self, **options: Any) -> None:
        """Print every difference."""
        account = find_account(options["email"], options["application"])
        try:
            found = audit.run(account, sample=options["sample"])
            if found and options["repair"]:
                self._print(found)
                repair.repair(account, found)
                self.stdout.write("Repaired; comparing again.")
                found = audit.run(account, sample=options["sample"])
        except (MailError, LeaseLost) as error:
            raise CommandError(f"{account.email}: {error}") from error
        self._print(found)
        if found:
            raise CommandError(f"{len(found)} differences between {account.email} and its mirror.")
        self.stdout.write(self.style.SUCCESS(f"{account.email}: mirror and server agree."))

    def _print(self, found: list[audit.Difference]) -> None:
        for difference in found:
            self.stdout.write(str(difference))
