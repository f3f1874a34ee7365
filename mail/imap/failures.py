"""What sockets, TLS, imaplib and servers raise or say, as facts with words for the mailbox's owner."""

import ast
import imaplib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mail.line.redaction import without_password
from mail.line.words import of_socket, readable
from mail.types import AuthenticationFailed, ConnectionFailed, Login

# Answers to a login that mean "not now" rather than "never" (RFC 5530 §3; Exchange, Gmail, Yahoo in words).
_NOT_NOW = re.compile(
    r"\[(UNAVAILABLE|INUSE|LIMIT|OVERQUOTA|CONTACTADMIN|SERVERBUG|THROTTLED|CORRUPTION)\b"
    r"|too many|try again|temporar|rate limit|server (is )?busy",
    re.IGNORECASE,
)

_IMAPLIBS_WORDS = re.compile(r"^(?:command: \w+ => |\w+ command error: BAD |\* BYE )+")
_IMAPLIBS_QUOTE = re.compile(r"""\[?(b'.*'|b".*")\]?$""", re.DOTALL)  # repr() of what the server said


def refused_login(login: Login, answer: str, *, understood: bool) -> AuthenticationFailed:
    """The server's answer to a login as a fact; `understood`: it was NO, not BAD.

    Permanent unless the answer is about this moment, or about the command rather than the credentials.
    """
    if _NOT_NOW.search(answer) or not understood:
        return AuthenticationFailed(f"{login.host} cannot log {login.username} in now: {answer}")
    return AuthenticationFailed(
        f"{login.host} refuses the user name or password of {login.username}: {answer}", permanent=True
    )


def said(error: BaseException, login: Login) -> str:
    """What the server said, without the password if it repeats that.

    imaplib's errors keep it as bytes, or as text with words of imaplib's own around it.
    """
    text: Any = error.args[0] if error.args else ""
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else _unquoted(str(text))
    return readable(without_password(_IMAPLIBS_WORDS.sub("", words), login).encode("utf-8", "replace"))


def _unquoted(text: str) -> str:
    quote = _IMAPLIBS_QUOTE.search(text)
    if quote is None:
        return text
    try:
        octets: bytes = ast.literal_eval(quote[1])
    except (ValueError, SyntaxError):
        return text
    return text[: quote.start()] + octets.decode("utf-8", "replace")


@contextmanager
def connection_errors(login: Login, timeout: float) -> Iterator[None]:
    """Turns what sockets, TLS and imaplib raise into ConnectionFailed with words for the mailbox's owner."""
    where = f"{login.host}, port {login.port}"
    try:
        yield
    except OSError as error:
        raise ConnectionFailed(of_socket(error, where, login.host, timeout)) from error
    except imaplib.IMAP4.error as error:  # imapclient's are the same
        lost = "socket error" in str(error)
        # Not "from error": its text may repeat the password.
        raise ConnectionFailed(
            f"{where} dropped the connection." if lost else f"{where}: {said(error, login)}"
        ) from None
    except ValueError:  # imaplib, of a number with thousands of digits
        raise ConnectionFailed(f"{where} sent what is not IMAP.") from None
