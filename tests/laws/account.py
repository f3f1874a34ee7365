"""An account for a model's mailbox, from its first day to its last."""

from datetime import timedelta

from django.apps import apps
from django.db import connection
from django.utils import timezone

from accounts import credentials
from accounts.models import Account, Application
from mail import changes, intent, store
from tests.laws.conversation import PASSWORD, USER
from tests.laws.server import ModelServer


def connected(server: ModelServer) -> Account:
    """The mailbox as an account that is due."""
    owner, _ = Application.objects.get_or_create(name="laws")
    login = server.login
    return Account.objects.create(
        application=owner,
        email=USER,
        settings={
            "imap_host": login.host,
            "imap_port": login.port,
            "imap_security": login.security,
            "imap_username": USER,
        },
        credentials=credentials.seal({"imap_password": PASSWORD}),
        next_sync_at=timezone.now(),
    )


def removed(account: Account) -> None:
    """Removed as upkeep does it: nothing is left once its log has expired."""
    assert intent.remove(account.id)
    assert store.remove_accounts() == 1
    changes.expire(account.id, timezone.now() + timedelta(days=1))
    assert store.remove_accounts() == 0
    with connection.cursor() as cursor:
        for model in apps.get_app_config("mail").get_models():
            cursor.execute(f"SELECT count(*) FROM {model._meta.db_table}")
            assert cursor.fetchone() == (0,), f"rows of {model._meta.db_table} are left"
