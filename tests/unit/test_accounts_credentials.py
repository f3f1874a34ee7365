"""Sealing and opening credentials, without a database."""

import traceback
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.exceptions import ImproperlyConfigured

from accounts.credentials import CredentialsLocked, reseal, seal, unseal

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()
SECRETS = {"imap_password": "pässwörd ☃", "smtp_password": ""}


@pytest.fixture(autouse=True)
def _one_key(settings: Any) -> None:
    settings.SYNCFARM_SECRET_KEYS = [OLD]


def test_what_was_sealed_comes_out_again_from_bytes_and_from_the_databases_memoryview() -> None:
    assert unseal(seal(SECRETS)) == SECRETS
    assert unseal(memoryview(seal(SECRETS))) == SECRETS


def test_a_token_shows_nothing_and_no_two_are_alike() -> None:
    assert b"password" not in seal(SECRETS)
    assert seal(SECRETS) != seal(SECRETS)


def test_the_first_key_seals_and_all_keys_open(settings: Any) -> None:
    before = seal(SECRETS)
    settings.SYNCFARM_SECRET_KEYS = [NEW, OLD]
    assert unseal(before) == SECRETS
    after = seal(SECRETS)
    settings.SYNCFARM_SECRET_KEYS = [NEW]
    assert unseal(after) == SECRETS


def test_resealing_brings_a_token_under_the_first_key_once(settings: Any) -> None:
    token = seal(SECRETS)
    settings.SYNCFARM_SECRET_KEYS = [NEW, OLD]
    fresh = reseal(token)
    assert fresh is not None
    assert reseal(fresh) is None
    settings.SYNCFARM_SECRET_KEYS = [NEW]
    assert unseal(fresh) == SECRETS


@pytest.mark.parametrize("spoil", [lambda _: b"", lambda _: b"nonsense", lambda token: token[:-4] + b"AAA="])
def test_a_damaged_token_is_an_error_with_a_cure(spoil: Any) -> None:
    for action in (unseal, reseal):
        with pytest.raises(CredentialsLocked, match="connect the account again"):
            action(spoil(seal(SECRETS)))


def test_a_token_of_a_lost_key_is_an_error_with_a_cure(settings: Any) -> None:
    token = seal(SECRETS)
    settings.SYNCFARM_SECRET_KEYS = [NEW]
    with pytest.raises(CredentialsLocked, match="Put the key"):
        unseal(token)


def test_a_token_that_holds_no_object_gives_nothing_away() -> None:
    token = Fernet(OLD).encrypt(b"hunter2, not JSON")
    with pytest.raises(CredentialsLocked) as error:
        unseal(token)
    assert "hunter2" not in "".join(traceback.format_exception(error.value))


@pytest.mark.parametrize("keys", [[], ["too short"], [Fernet.generate_key().decode(), "hunter2"]])
def test_wrong_keys_are_named_without_being_shown(settings: Any, keys: list[str]) -> None:
    settings.SYNCFARM_SECRET_KEYS = keys
    with pytest.raises(ImproperlyConfigured, match="SYNCFARM_SECRET_KEYS") as error:
        seal(SECRETS)
    assert "hunter2" not in "".join(traceback.format_exception(error.value))
