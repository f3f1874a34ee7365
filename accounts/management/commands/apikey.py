"""manage.py apikey create | list | revoke: the operator's way to hand out and take back API keys."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from accounts import keys
from accounts.models import Account, ApiKey, Application


class Command(BaseCommand):
    """Makes, lists and revokes API keys."""

    help = "Makes, lists and revokes API keys."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the three verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="print a new key, once")
        create.add_argument("name", type=_name, help="the application; made if there is none by this name")
        create.add_argument("--grant", metavar="EMAIL", help="a token for this grant of the application only")
        verbs.add_parser("list", help="all keys, without their secrets")
        revoke = verbs.add_parser("revoke", help="refuse a key from now on")
        revoke.add_argument("prefix", help="the key's first characters, as the list shows them")

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 -- Django hands them over
        """Do what the verb says."""
        arguments = Namespace(**options)
        if arguments.verb == "create":
            self._create(arguments.name, arguments.grant)
        elif arguments.verb == "list":
            self._list()
        else:
            self._revoke(arguments.prefix)

    def _create(self, name: str, email: str | None) -> None:
        """The secret is the output's last word: scripts rely on it."""
        if email:
            account = _grant(name, email)
            _, secret = keys.create(account.application, name, account)
            self.stdout.write(f"Access token for the grant {account.email}, shown only this once: {secret}")
            return
        application, _ = Application.objects.get_or_create(name=name)
        _, secret = keys.create(application, name)
        self.stdout.write(f"API key of the application {name}, shown only this once: {secret}")

    def _list(self) -> None:
        for key in ApiKey.objects.select_related("application", "account").order_by("application__name", "id"):
            sees = f"grant {key.account.email}" if key.account else "all its grants"
            used = f"last used {key.last_used_at:%Y-%m-%d %H:%M} UTC" if key.last_used_at else "never used"
            state = f"revoked {key.revoked_at:%Y-%m-%d %H:%M} UTC" if key.revoked_at else used
            self.stdout.write(f"{key.prefix}…  {key.application.name}  {sees}  {state}")

    def _revoke(self, prefix: str) -> None:
        matches = list(ApiKey.objects.filter(prefix__startswith=prefix[: keys.PREFIX_LENGTH], revoked_at=None)[:2])
        if not matches:
            raise CommandError(f"No key that is in use begins with {prefix}. See manage.py apikey list.")
        if len(matches) > 1:
            raise CommandError(f"More than one key begins with {prefix}: give more of its characters.")
        ApiKey.objects.filter(pk=matches[0].pk).update(revoked_at=timezone.now())
        self.stdout.write(f"{matches[0]} is revoked.")


def _name(word: str) -> str:
    if not 0 < len(word) <= 200:
        raise ArgumentTypeError("an application's name has 1 to 200 characters")
    return word


def _grant(application: str, email: str) -> Account:
    account = (
        Account.objects.present()
        .select_related("application")
        .filter(application__name=application, email__iexact=email)
        .first()
    )
    if account is None:
        raise CommandError(f"The application {application} has no grant {email}. Connect it first: manage.py connect.")
    return account
