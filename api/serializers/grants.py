"""Grants: never their secrets."""

from accounts.models import Account, AccountState
from api import objects

_SERVER = ("host", "port", "security", "username")
SETTINGS = tuple(f"{protocol}_{name}" for protocol in ("imap", "smtp") for name in _SERVER)


def grant(row: Account) -> objects.Grant:
    """A grant. Settings are taken by name, so that nothing else that may be stored there is ever sent."""
    return {
        "id": str(row.pk),
        "object": "grant",
        "provider": row.provider,
        "scope": [],
        "grant_status": "invalid" if row.state == AccountState.INVALID else "valid",
        "email": row.email,
        "name": row.name,
        "state": row.state,  # type: ignore[typeddict-item]  # one of AccountState's values
        "state_reason": row.reason or None,
        "last_error": row.last_error or None,
        "settings": {name: row.settings[name] for name in SETTINGS if name in row.settings},
        "created_at": int(row.created_at.timestamp()),
        "updated_at": int(row.updated_at.timestamp()),
    }
