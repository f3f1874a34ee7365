"""manage.py connect: connects a mailbox from the operator's shell."""

import getpass
import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.models import Application
from mail.connecting import ConnectOptions, ConnectRefused, connect


class Command(BaseCommand):
    """Connects a mailbox."""

    help = "Connects a mailbox. The password comes from SYNCFARM_PASSWORD, else from a prompt."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the address and what may be known of its servers."""
        parser.add_argument("email", help="the mailbox's address")
        parser.add_argument("--application", default="default", metavar="NAME", help="whose grant it becomes")
        parser.add_argument("--name", default="", help="how to call the grant")
        for protocol, purpose in (("imap", "reading"), ("smtp", "sending")):
            parser.add_argument(f"--{protocol}-host", default="", metavar="H", help=f"for {purpose}; else detected")
            parser.add_argument(f"--{protocol}-port", type=int, metavar="P")
            parser.add_argument(f"--{protocol}-user", default="", metavar="U", help="else the address")
        security = parser.add_mutually_exclusive_group()
        security.add_argument(
            "--security", default="", choices=["tls", "starttls", "none"], help="of IMAP; else by port"
        )
        security.add_argument(
            "--no-tls",
            dest="security",
            action="store_const",
            const="none",
            help="neither encryption nor certificates, for hosts in SYNCFARM_TRUSTED_HOSTS only",
        )
        parser.add_argument("--smtp-security", default="", choices=["tls", "starttls", "none"])

    def handle(self, *args: Any, **options: Any) -> None:  # noqa: ARG002 -- Django hands them over
        """Connect it, or say in one line why not."""
        password = os.environ.get("SYNCFARM_PASSWORD") or getpass.getpass(f"Password of {options['email']}: ")
        wanted = ConnectOptions(
            name=options["name"],
            imap_host=options["imap_host"],
            imap_port=options["imap_port"],
            imap_security=options["security"],
            imap_username=options["imap_user"],
            imap_password=password,
            smtp_host=options["smtp_host"],
            smtp_port=options["smtp_port"],
            smtp_security=options["smtp_security"],
            smtp_username=options["smtp_user"],
        )
        application, _ = Application.objects.get_or_create(name=options["application"])
        try:
            account = connect(application, options["email"], wanted)
        except ConnectRefused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Connected {account.email} as grant {account.pk}.")
        self.stdout.write(
            f"A running farm mirrors it from now on. To watch: manage.py sync {account.email} --until-idle\n"
            f"To read it over the API: manage.py apikey create {application.name}"
        )
