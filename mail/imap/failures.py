"""What sockets, TLS, imaplib and servers raise or say, as facts with words for the mailbox's owner."""

import imaplib
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from accounts.network import HostError
from mail.imap.reader import readable
from mail.types import AuthenticationFailed, ConnectionFailed, Login

# Answers to a login that mean "not now" rather than "never" (RFC 5530 §3; Exchange, Gmail, Yahoo in words).
_NOT_NOW = re.compile(
    r"\[(UNAVAILABLE|INUSE|LIMIT|CONTACTADMIN|SERVERBUG|THROTTLED|CORRUPTION)\b"
    r"|too many|try again|temporar|rate limit|server (is )?busy",
    re.IGNORECASE,
)

_IMAPLIBS_WORDS = re.compile(r"""^(?:command: \w+ => |\w+ command error: BAD \[b['"]|\* BYE )+(.*?)(?:['"]\])?$""")


def refused_login(login: Login, answer: str, *, understood: bool) -> AuthenticationFailed:
    """The server's answer to a login as a fact; `understood`: it was NO, not BAD.

    Permanent unless the answer is about this moment, or about the command rather than the credentials.
    """
    if _NOT_NOW.search(answer) or not understood:
        return AuthenticationFailed(f"{login.host} cannot log {login.username} in now: {answer}")
    return AuthenticationFailed(
        f"{login.host} refuses the user name or password of {login.username}: {answer}", permanent=True
    )


def said(error: BaseException) -> str:
    """What the server said, out of an error of imaplib, which keeps bytes or wraps the text in words of its own."""
    text: Any = error.args[0] if error.args else ""
    octets = text if isinstance(text, bytes) else str(text).encode("utf-8", "replace")
    return _IMAPLIBS_WORDS.sub(r"\1", readable(octets))


@contextmanager
def connection_errors(login: Login, timeout: float) -> Iterator[None]:
    """Turns what sockets, TLS and imaplib raise into ConnectionFailed with words for the mailbox's owner."""
    where = f"{login.host}, port {login.port}"
    try:
        yield
    except OSError as error:
        raise ConnectionFailed(_of_socket(error, where, login.host, timeout)) from error
    except imaplib.IMAP4.error as error:  # imapclient's are the same
        lost = "socket error" in str(error)
        raise ConnectionFailed(f"{where} dropped the connection." if lost else f"{where}: {said(error)}") from error
    except ValueError as error:  # imaplib, of a number with thousands of digits
        raise ConnectionFailed(f"{where} sent what is not IMAP.") from error


def _of_socket(error: OSError, where: str, host: str, timeout: float) -> str:
    if isinstance(error, HostError):
        return str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"The certificate of {where} is not trusted: {error.verify_message.rstrip('.')}. Check the host's name. The"
            f" server needs a certificate for it from a public authority, or the operator adds {host} to"
            f" SYNCFARM_TRUSTED_HOSTS."
        )
    if isinstance(error, TimeoutError):
        return f"{where}: no answer within {timeout:g} seconds."
    if isinstance(error, ssl.SSLEOFError):
        return f"{where} dropped the connection."
    if isinstance(error, ssl.SSLError):
        return f"{where}: TLS failed ({error.reason or error}). Check the port, or choose STARTTLS or TLS."
    return f"{where} dropped the connection ({error.strerror or error})."
