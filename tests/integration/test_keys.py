"""API keys against a real database."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts import keys
from accounts.models import Account, ApiKey, Application
from mail import intent

pytestmark = pytest.mark.django_db


@pytest.fixture
def application() -> Application:
    return Application.objects.create(name="shop")


@pytest.fixture
def account(application: Application) -> Account:
    return Account.objects.create(application=application, email="ann@example.test", credentials=b"")


def run(*words: str) -> str:
    output = StringIO()
    call_command("apikey", *words, stdout=output)
    return output.getvalue()


def test_a_key_opens_its_application(application: Application) -> None:
    made, secret = keys.create(application, "laptop")
    found = keys.authenticate(secret)
    assert found == made
    assert found.application == application
    assert found.account is None


def test_a_grant_token_opens_its_grant(application: Application, account: Account) -> None:
    _, secret = keys.create(application, "laptop", account)
    found = keys.authenticate(secret)
    assert found is not None
    assert found.account == account


def test_a_token_for_another_applications_grant_is_not_made(account: Account) -> None:
    other = Application.objects.create(name="other")
    with pytest.raises(ValueError, match="another application"):
        keys.create(other, "laptop", account)


def test_the_secret_is_nowhere_in_the_database(application: Application) -> None:
    made, secret = keys.create(application, "laptop")
    row = ApiKey.objects.filter(pk=made.pk).values().get()
    assert secret.startswith(made.prefix)
    assert secret[keys.PREFIX_LENGTH :] not in "".join(
        bytes(value).decode("latin-1") if isinstance(value, memoryview | bytes) else str(value)
        for value in row.values()
    )


@pytest.mark.parametrize("secret", ["", "sf_", "sf_wrong", "Ünï\ud800\x00"])
def test_an_unknown_key_opens_nothing(application: Application, secret: str) -> None:
    keys.create(application, "laptop")
    assert keys.authenticate(secret) is None


def test_a_revoked_key_opens_nothing(application: Application) -> None:
    made, secret = keys.create(application, "laptop")
    ApiKey.objects.filter(pk=made.pk).update(revoked_at=timezone.now())
    assert keys.authenticate(secret) is None


def test_the_token_of_a_removed_grant_opens_nothing(application: Application, account: Account) -> None:
    _, secret = keys.create(application, "laptop", account)
    intent.remove(account.pk)
    assert keys.authenticate(secret) is None


def test_the_use_of_a_key_is_noted_at_most_once_a_minute(application: Application) -> None:
    made, secret = keys.create(application, "laptop")
    keys.authenticate(secret)
    made.refresh_from_db()
    first = made.last_used_at
    assert first is not None

    keys.authenticate(secret)
    made.refresh_from_db()
    assert made.last_used_at == first

    ApiKey.objects.filter(pk=made.pk).update(last_used_at=first - timedelta(seconds=61))
    keys.authenticate(secret)
    made.refresh_from_db()
    assert made.last_used_at is not None
    assert made.last_used_at >= first


def test_the_command_prints_a_working_key_as_its_last_word_and_makes_the_application() -> None:
    found = keys.authenticate(run("create", "a new one").split()[-1])
    assert found is not None
    assert found.application.name == "a new one"


def test_a_second_key_belongs_to_the_same_application(application: Application) -> None:
    found = keys.authenticate(run("create", "shop").split()[-1])
    assert found is not None
    assert found.application == application


def test_the_command_makes_a_token_for_a_grant(account: Account) -> None:
    found = keys.authenticate(run("create", "shop", "--grant", "Ann@Example.test").split()[-1])
    assert found is not None
    assert found.account == account


def test_the_command_makes_no_token_for_an_unknown_grant(application: Application) -> None:
    with pytest.raises(CommandError, match=r"no grant bob@example\.test"):
        run("create", "shop", "--grant", "bob@example.test")


def test_the_list_shows_prefix_and_owner_but_no_secret(application: Application, account: Account) -> None:
    made, secret = keys.create(application, "laptop")
    keys.create(application, "phone", account)
    listing = run("list")
    assert made.prefix in listing
    assert "grant ann@example.test" in listing
    assert secret not in listing


def test_a_key_is_revoked_by_its_prefix(application: Application) -> None:
    made, secret = keys.create(application, "laptop")
    run("revoke", made.prefix)
    assert keys.authenticate(secret) is None
    assert "revoked" in run("list")
    with pytest.raises(CommandError, match="No key"):
        run("revoke", made.prefix)


def test_a_prefix_of_two_keys_revokes_neither(application: Application) -> None:
    secrets = [keys.create(application, "laptop")[1] for _ in range(2)]
    with pytest.raises(CommandError, match="More than one"):
        run("revoke", "sf_")
    assert all(keys.authenticate(secret) for secret in secrets)
