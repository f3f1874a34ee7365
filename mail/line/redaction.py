"""Takes the password out of what a server says: some repeat the command that they do not understand."""

import base64
import binascii
import re
from collections.abc import Callable

from mail.types import Login

_HIDDEN = "…"
_BASE64 = re.compile(r"[A-Za-z0-9+/]{4,}={0,2}")


def without_password(text: str, login: Login) -> str:
    """The text with "…" for the password, in every form in which it was sent, whole or broken off.

    Give it the whole text: a password that was cut in two would not be found.
    """
    text = _spelled_out(login).sub(_HIDDEN, text)
    text = _BASE64.sub(_hiding(login), text)
    return _command(login).sub(_HIDDEN, text)


def _spelled_out(login: Login) -> re.Pattern[str]:
    password = login.password
    plain = f"\0{login.username}\0{password}"
    encoded = [base64.b64encode(each.encode()).decode().rstrip("=") for each in (plain, password)]
    forms = sorted({password, _escaped(password), *encoded} - {""}, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, forms)) or r"(?!)", re.IGNORECASE)


def _hiding(login: Login) -> Callable[[re.Match[str]], str]:
    password, start = login.password.encode(), f"\0{login.username}\0".encode()

    def hide(found: re.Match[str]) -> str:
        run = found[0].rstrip("=")
        try:
            octets = base64.b64decode(run[: len(run) // 4 * 4])
        except binascii.Error:
            return found[0]
        return _HIDDEN if octets.startswith(start) or (password and password in octets) else found[0]

    return hide


def _command(login: Login) -> re.Pattern[str]:
    """LOGIN as we sent it, up to the end: what is left of a password may be part of one."""
    names = "|".join(re.escape(name) for name in {login.username, _escaped(login.username)})
    return re.compile(rf'\bLOGIN\s+\\*"?(?:{names})\\*"?\s+\\*["{_HIDDEN}].*', re.IGNORECASE | re.DOTALL)


def _escaped(text: str) -> str:
    """As within an IMAP quoted string."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
