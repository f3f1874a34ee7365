"""Who asks, and which grants they may see."""

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, PermissionDenied
from rest_framework.request import Request

from accounts import fixed, keys
from accounts.models import Account, AccountQuerySet, ApiKey
from api.errors import InvalidRequest, NotFound
from api.parameters import as_uuid

_VISIBLE = "WHERE removed_at IS NULL AND application_id = %s AND (%s::uuid IS NULL OR id = %s)"


class BearerKey(BaseAuthentication):
    """`Authorization: Bearer <API key or grant access token>`. request.auth is the ApiKey; without one, no answer."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, ApiKey]:
        """Raises NotAuthenticated, AuthenticationFailed: never None, which would let a request pass without a key."""
        scheme, _, secret = request.headers.get("Authorization", "").strip().partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise NotAuthenticated("An API key is needed: send the header 'Authorization: Bearer <key>'.")
        key = keys.authenticate(secret.strip())
        if key is None:
            raise AuthenticationFailed("The API key is unknown or revoked.")
        return AnonymousUser(), key

    def authenticate_header(self, request: Request) -> str:  # noqa: ARG002 -- Django REST framework's signature
        """Makes the answer 401 instead of 403."""
        return "Bearer"


def visible_grants(key: ApiKey) -> AccountQuerySet:
    """The grants that a key may see: its application's, or the one that it is a token of."""
    grants = Account.objects.present().filter(application_id=key.application_id)
    return grants.filter(pk=key.account_id) if key.account_id else grants


def find_grant(key: ApiKey, identifier: str) -> Account:
    """The grant of a path: our id, an e-mail address, or `me` for a token's own. Raises NotFound, InvalidRequest."""
    if identifier == "me":
        if key.account_id is None:
            raise InvalidRequest("'me' is for grant access tokens; an API key names the grant by id or e-mail address.")
        return _one(key, "id = %s", key.account_id, identifier)
    if (grant_id := as_uuid(identifier)) is not None:
        return _one(key, "id = %s", grant_id, identifier)
    if "@" not in identifier or "\0" in identifier:
        raise NotFound("The grant")
    return _one(key, "email = ANY(%s)", [identifier, identifier.lower()], identifier)


def require_application_key(key: ApiKey) -> None:
    """Raises PermissionDenied for a grant access token: what it opens is the grant's mail, not the grant."""
    if key.account_id is not None:
        raise PermissionDenied("A grant access token cannot do this; use the application's API key.")


def _one(key: ApiKey, condition: str, value: object, identifier: str) -> Account:
    """`visible_grants`, by a statement that is not made anew for each request."""
    values = [key.application_id, key.account_id, key.account_id, value]
    grant = fixed.one(Account, f"{_VISIBLE} AND {condition} ORDER BY id", values)
    if grant is None:
        raise NotFound(f"The grant {identifier}")
    return grant
