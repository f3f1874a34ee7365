"""API keys: made once, shown once, kept as a SHA-256 digest.

A key has 256 random bits, so that its digest needs no salt, and a look-up by digest tells an attacker nothing
through its timing.
"""

import hashlib
import secrets
from datetime import timedelta

from django.db.models import Q
from django.utils import timezone

from accounts import fixed
from accounts.models import Account, ApiKey, Application

PREFIX_LENGTH = 10
_USE_NOTED_EVERY = timedelta(minutes=1)  # a busy key does not become a row that every request writes
_FIND = """
    LEFT JOIN accounts_account account ON account.id = one.account_id
    WHERE one.digest = %s AND one.revoked_at IS NULL AND account.removed_at IS NULL
"""


def create(application: Application, name: str, account: Account | None = None) -> tuple[ApiKey, str]:
    """A new key of the application, or with `account` a token for this grant alone; and its secret, shown once."""
    if account is not None and account.application_id != application.pk:
        raise ValueError(f"{account} belongs to another application than {application}.")
    secret = f"sf_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        application=application,
        account=account,
        name=name,
        prefix=secret[:PREFIX_LENGTH],
        digest=_digest(secret),
    )
    return key, secret


def authenticate(secret: str) -> ApiKey | None:
    """The key with this secret; None if unknown, revoked or of a removed grant."""
    key = fixed.one(ApiKey, _FIND, [_digest(secret)])
    if key is not None:
        _note_use(key)
    return key


def _note_use(key: ApiKey) -> None:
    now = timezone.now()
    stale = now - _USE_NOTED_EVERY
    if key.last_used_at is None or key.last_used_at < stale:
        # The condition again in SQL: of many requests at once, one writes.
        unnoted = Q(last_used_at=None) | Q(last_used_at__lt=stale)
        ApiKey.objects.filter(unnoted, pk=key.pk).update(last_used_at=now)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="replace")).digest()  # a header may hold anything, a key is ASCII
