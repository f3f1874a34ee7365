"""The demo's mailbox as the farm sees it: connect it, watch it arrive, verify it."""

import time

from django.db.models import Sum
from django.utils import timezone
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from accounts import keys
from accounts.models import Account, AccountState, ApiKey, Application
from mail import audit, intent
from mail.connecting import ConnectOptions, ConnectRefused
from mail.connecting import connect as connect_account
from mail.models import Folder
from mail.types import MailError
from syncfarm.demo.server import USER, SampleServer
from syncfarm.embedded import ServiceFailed
from syncfarm.vardir import Running

MIRROR_SECONDS = 120.0
KEY_NAME = "demo"


def connect(server: SampleServer) -> Account:
    """The mailbox as an account, connected for the first time or again. Raises ServiceFailed."""
    application, _ = Application.objects.get_or_create(name="Demo")
    options = ConnectOptions(
        name="Dana Demo",
        imap_host="127.0.0.1",
        imap_port=server.port,
        imap_security="none",
        imap_username=USER,
        imap_password=server.password,
    )
    try:
        account = connect_account(application, USER, options)
    except ConnectRefused as error:
        raise ServiceFailed(f"the sample mailbox cannot be connected: {error}") from error
    intent.request_sync(account.id)
    return account


def watch(account: Account, expected: int) -> str:
    """Show the mirror's progress until it is complete; returns "" or what is wrong."""
    deadline, started = time.monotonic() + MIRROR_SECONDS, timezone.now()
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns) as progress:
        bar = progress.add_task("Mirroring", total=expected)
        while time.monotonic() < deadline:
            account.refresh_from_db()
            mirrored = _mirrored(account)
            progress.update(bar, completed=min(mirrored, expected))
            if account.state == AccountState.INVALID:
                return f"the account is invalid: {account.reason}"
            fresh = account.last_sync_at is not None and account.last_sync_at > started
            if mirrored >= expected and fresh and account.state == AccountState.LIVE:
                return ""
            time.sleep(0.2)
    return f"only {_mirrored(account)} of {expected} mails arrived within {MIRROR_SECONDS:.0f} s: {_why(account)}"


def _mirrored(account: Account) -> int:
    return Folder.objects.filter(account=account).aggregate(count=Sum("mirrored_count"))["count"] or 0


def _why(account: Account) -> str:
    return account.reason or account.last_error or f"the account is in state {account.state}"


def verify(account: Account) -> str:
    """Compare mirror and server; returns "" or what differs."""
    try:
        differences = audit.run(account, sample=10_000)
    except MailError as error:
        return f"the mirror cannot be verified: {error}"
    if not differences:
        return ""
    return f"{len(differences)} differences between mirror and server, the first: {differences[0]}"


def what_to_try(account: Account, farm: Running, admin_password: str) -> str:
    """Where to look, with a new API key; those of earlier demos end."""
    ApiKey.objects.filter(application=account.application, name=KEY_NAME, revoked_at=None).update(
        revoked_at=timezone.now()
    )
    _, key = keys.create(account.application, KEY_NAME)
    grant = f"{farm.url}/v3/grants/{account.pk}"
    curl = f'curl -s -H "Authorization: Bearer {key}"'
    return "\n".join(
        [
            f"Syncfarm        {farm.url}/",
            f"Administration  {farm.url}/admin/  (user admin, password {admin_password})",
            f"Tasks (Flower)  {farm.flower_url}/",
            f"API key         {key}",
            "",
            "Try:",
            f"  {curl} '{grant}/messages?limit=3'",
            f"  {curl} '{grant}/messages?search_query_native=from:juergen&limit=2'",
            f"  {curl} '{grant}/delta?limit=5'",
        ]
    )
