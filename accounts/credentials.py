"""Encrypts the secrets of accounts at rest (Fernet: AES-128-CBC with HMAC-SHA256).

SYNCFARM_SECRET_KEYS lists Fernet keys: the first encrypts, all decrypt, so that a new key is put in front,
`manage.py rotate_keys` is run, and the old key is taken away.
"""

import json

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured


class CredentialsLocked(Exception):
    """No key of the farm opens the token: its own was taken out of the list too early, or the token is damaged."""

    def __init__(self) -> None:
        super().__init__(
            "The stored credentials cannot be decrypted with any key of SYNCFARM_SECRET_KEYS. "
            "Put the key that encrypted them back into the list, or connect the account again."
        )


def seal(secrets: dict[str, str]) -> bytes:
    """The secrets, encrypted with the first key."""
    return MultiFernet(_keys()).encrypt(json.dumps(secrets).encode())


def unseal(token: bytes | memoryview) -> dict[str, str]:
    """The secrets in a token of `seal`. Raises CredentialsLocked."""
    try:
        secrets: dict[str, str] = json.loads(MultiFernet(_keys()).decrypt(bytes(token)))
    except (InvalidToken, ValueError):
        raise CredentialsLocked from None  # the cause's frames may hold what was decrypted
    return secrets


def reseal(token: bytes | memoryview) -> bytes | None:
    """The token under the first key; None where it is already. Raises CredentialsLocked."""
    keys = _keys()
    try:
        keys[0].decrypt(bytes(token))
    except InvalidToken:
        pass
    else:
        return None
    try:
        return MultiFernet(keys).rotate(bytes(token))
    except InvalidToken:
        raise CredentialsLocked from None


def _keys() -> list[Fernet]:
    if not settings.SYNCFARM_SECRET_KEYS:
        raise ImproperlyConfigured("SYNCFARM_SECRET_KEYS is empty: credentials need at least one Fernet key.")
    try:
        return [Fernet(key) for key in settings.SYNCFARM_SECRET_KEYS]
    except ValueError:
        raise ImproperlyConfigured(
            "SYNCFARM_SECRET_KEYS holds a key that is no Fernet key (32 bytes, base64url)."
        ) from None
