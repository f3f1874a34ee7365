"""Key rotation over real rows."""

import threading
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from accounts.credentials import CredentialsLocked, seal, unseal
from accounts.models import Account, Application

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def application(db: None, settings: Any) -> Iterator[Application]:
    settings.SYNCFARM_SECRET_KEYS = [OLD]
    yield Application.objects.create(name="shop")
    Account.objects.all().delete()


def connected(application: Application, name: str, password: str = "secret") -> Account:
    token = seal({"imap_password": password})
    return Account.objects.create(application=application, email=f"{name}@example.test", credentials=token)


def rotate() -> str:
    output = StringIO()
    call_command("rotate_keys", stdout=output, stderr=output)
    return output.getvalue()


def test_after_a_rotation_the_old_key_can_go(application: Application, settings: Any) -> None:
    accounts = [connected(application, name, password=name) for name in ("ann", "bob", "eve")]
    settings.SYNCFARM_SECRET_KEYS = [NEW, OLD]
    assert "3 re-encrypted" in rotate()

    settings.SYNCFARM_SECRET_KEYS = [NEW]
    for account, name in zip(accounts, ("ann", "bob", "eve"), strict=True):
        account.refresh_from_db()
        assert unseal(account.credentials) == {"imap_password": name}


def test_more_accounts_than_a_batch_are_all_rotated(application: Application, settings: Any) -> None:
    token = seal({"imap_password": "secret"})
    Account.objects.bulk_create(
        Account(application=application, email=f"{n}@example.test", credentials=token) for n in range(450)
    )
    settings.SYNCFARM_SECRET_KEYS = [NEW, OLD]
    assert "450 re-encrypted, 0 already" in rotate()


def test_a_second_rotation_finds_nothing_to_do(application: Application, settings: Any) -> None:
    connected(application, "ann")
    settings.SYNCFARM_SECRET_KEYS = [NEW, OLD]
    rotate()
    before = bytes(Account.objects.get().credentials)
    assert "0 re-encrypted, 1 already" in rotate()
    assert bytes(Account.objects.get().credentials) == before


def test_an_unreadable_token_is_named_and_the_others_are_rotated(application: Application, settings: Any) -> None:
    connected(application, "ann")
    lost = connected(application, "lost")
    settings.SYNCFARM_SECRET_KEYS = [Fernet.generate_key().decode()]
    Account.objects.filter(pk=lost.pk).update(credentials=seal({"imap_password": "x"}))
    settings.SYNCFARM_SECRET_KEYS = [NEW, OLD]
    output = StringIO()
    with pytest.raises(CommandError, match="named above"):
        call_command("rotate_keys", stdout=output, stderr=output)
    assert "1 re-encrypted, 0 already under the first key, 1 unreadable" in output.getvalue()
    assert str(lost.pk) in output.getvalue()


def test_the_empty_credentials_of_a_removed_account_are_passed_over(application: Application) -> None:
    Account.objects.create(application=application, email="gone@example.test", credentials=b"")
    assert "0 unreadable" in rotate()


@pytest.mark.django_db(transaction=True)
def test_a_password_changed_during_the_rotation_is_kept(application: Application, settings: Any) -> None:
    account = connected(application, "ann")
    settings.SYNCFARM_SECRET_KEYS = [NEW, OLD]
    outputs: list[str] = []

    def rotate_elsewhere() -> None:
        outputs.append(rotate())
        connection.close()

    thread = threading.Thread(target=rotate_elsewhere)
    with transaction.atomic():
        settings.SYNCFARM_SECRET_KEYS = [OLD]
        changed = seal({"imap_password": "changed"})
        settings.SYNCFARM_SECRET_KEYS = [NEW, OLD]
        Account.objects.filter(pk=account.pk).update(credentials=changed)
        thread.start()  # reads the old token, then waits for this transaction's row lock
        wait_until_somebody_waits_for_a_lock()
    thread.join(30)

    assert "1 re-encrypted" in outputs[0]
    settings.SYNCFARM_SECRET_KEYS = [NEW]
    account.refresh_from_db()
    assert unseal(account.credentials) == {"imap_password": "changed"}


def wait_until_somebody_waits_for_a_lock() -> None:
    with connection.cursor() as cursor:
        for _ in range(20_000):
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
    pytest.fail("the rotation never met the row lock")


def test_without_the_right_key_nothing_is_read(application: Application, settings: Any) -> None:
    account = connected(application, "ann")
    settings.SYNCFARM_SECRET_KEYS = [NEW]
    with pytest.raises(CredentialsLocked, match="SYNCFARM_SECRET_KEYS"):
        unseal(account.credentials)
