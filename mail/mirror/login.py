"""An account's credentials as a login."""

from accounts import credentials, network
from accounts.models import Account
from mail.types import AuthenticationFailed, Login


def login_for(account: Account) -> Login:
    """Raises AuthenticationFailed if no key of SYNCFARM_SECRET_KEYS opens the credentials."""
    try:
        secrets = credentials.unseal(bytes(account.credentials))
    except credentials.CredentialsLocked as error:
        raise AuthenticationFailed(str(error), permanent=True) from error
    host = account.settings["imap_host"]
    return Login(
        host=host,
        port=account.settings["imap_port"],
        security=account.settings["imap_security"],
        username=account.settings["imap_username"],
        password=secrets["imap_password"],
        trusted=network.is_trusted(host),
    )
