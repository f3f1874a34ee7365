"""How commands name an account."""

from django.core.management.base import CommandError, CommandParser

from accounts.models import Account


def add_account_arguments(parser: CommandParser) -> None:
    """EMAIL, and --application where several applications connected it."""
    parser.add_argument("email", help="the mailbox's address, or its grant id")
    parser.add_argument("--application", help="needed when several applications connected the address")


def find_account(email: str, application: str | None) -> Account:
    """The one account that is meant. Raises CommandError with the cure."""
    accounts = Account.objects.present().select_related("application")
    found = accounts.filter(email__iexact=email) if "@" in email else accounts.filter(id=email)
    if application:
        found = found.filter(application__name=application)
    if not found:
        raise CommandError(f"No connected mailbox {email}. Connect it first: manage.py connect {email}")
    if len(found) > 1:
        names = ", ".join(account.application.name for account in found)
        raise CommandError(f"{email} is connected by several applications ({names}): add --application NAME")
    return found[0]
