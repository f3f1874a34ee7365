"""What sockets, TLS, imaplib and servers raise or say, as facts with words for the mailbox's owner."""

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from accounts.network import HostError
from mail.types import AuthenticationFailed, ConnectionFailed, Login

# Answers to a login that mean "not now" rather than "never" (RFC 5530 §3; Exchange, Gmail, Yahoo in words).
_NOT_NOW = re.compile(
    r"\[(UNAVAILABLE|INUSE|LIMIT|CONTACTADMIN|SERVERBUG|THROTTLED|CORRUPTION)\b"
    r"|too many|try again|temporar|rate limit|server (is )?busy",
    re.IGNORECASE,
)


def refused_login(login: Login, answer: str) -> AuthenticationFailed:
    """The server's answer to a login as a fact: permanent unless it says that it is about this moment."""
    if _NOT_NOW.search(answer):
        return AuthenticationFailed(f"{login.host} cannot log {login.username} in now: {answer}")
    return AuthenticationFailed(
        f"{login.host} refuses the user name or password of {login.username}: {answer}", permanent=True
    )


def said(error: BaseException) -> str:
    """What the server said, out of an error of imaplib, which keeps bytes or str."""
    text: Any = error.args[0] if error.args else ""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return re.sub(r"^\* BYE ", "", str(text)).strip()


@contextmanager
def connection_errors(login: Login, timeout: float) -> Iterator[None]:
    """Turns what sockets, TLS and imaplib raise into ConnectionFailed with words for the mailbox's owner."""
    where = f"{login.host}, port {login.port}"
    try:
        yield
    except HostError as error:
        raise ConnectionFailed(str(error)) from error
    except ssl.SSLCertVerificationError as error:
        raise ConnectionFailed(
            f"The certificate of {where} is not trusted: {error.verify_message.rstrip('.')}. Check the host's name. The"
            f" server needs a certificate for it from a public authority, or the operator adds {login.host} to"
            f" SYNCFARM_TRUSTED_HOSTS."
        ) from error
    except TimeoutError as error:
        raise ConnectionFailed(f"{where}: no answer within {timeout:g} seconds.") from error
    except ssl.SSLEOFError as error:
        raise ConnectionFailed(f"{where} dropped the connection.") from error
    except ssl.SSLError as error:
        reason = error.reason or error
        raise ConnectionFailed(f"{where}: TLS failed ({reason}). Check the port, or choose STARTTLS or TLS.") from error
    except OSError as error:
        raise ConnectionFailed(f"{where} dropped the connection ({error.strerror or error}).") from error
    except imaplib.IMAP4.error as error:  # imapclient's are the same
        raise ConnectionFailed(f"{where}: {said(error)}") from error
