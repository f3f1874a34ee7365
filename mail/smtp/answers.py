"""What the server answers, as facts with words for the mailbox's owner, and without the password."""

import re
from dataclasses import dataclass

from mail.line.redaction import without_password
from mail.line.words import readable
from mail.types import AuthenticationFailed, ConnectionFailed, Login, MailError, Refusal, SendRefused

# Answers to a login that mean "not now" rather than "never", whatever their code (Exchange, Gmail, Yahoo in words).
_NOT_NOW = re.compile(r"too many|try again|temporar|rate limit|server (is )?busy", re.IGNORECASE)
_CREDENTIALS = {534, 535}  # RFC 4954 §6: about the credentials, where other 5xx are about the command
CLOSING = 421  # RFC 5321 §3.8: comes in place of any answer


@dataclass(frozen=True, slots=True)
class Answer:
    """`code`: -1 where the server did not answer in SMTP."""

    code: int
    words: str

    @property
    def accepted(self) -> bool:
        """Whether the server did as it was told."""
        return 200 <= self.code < 300

    @property
    def refused(self) -> bool:
        """Whether it will not."""
        return 400 <= self.code < 600

    @property
    def permanent(self) -> bool:
        """Whether it will not later, either."""
        return self.code >= 500

    def __str__(self) -> str:
        return f"{self.code} {self.words}" if self.code >= 0 else self.words


def answer(code: int, text: bytes, login: Login) -> Answer:
    """What smtplib's getreply gave."""
    words = without_password(" ".join(text.decode("utf-8", "replace").split()), login)
    return Answer(code, readable(words.encode("utf-8", "replace")))


def not_understood(login: Login, said: Answer, to_what: str) -> MailError:
    """The answer to a command that is neither yes nor no, or that the conversation ends."""
    where = f"{login.host}, port {login.port},"
    if said.code == CLOSING:
        return ConnectionFailed(f"{where} ends the conversation: {said}")
    if said.refused:
        return SendRefused(f"{login.host} refuses {to_what}: {said}", permanent=said.permanent)
    return ConnectionFailed(f"{where} answered {to_what} with what is not SMTP, or out of turn: {said}")


def refused_login(login: Login, said: Answer) -> MailError:
    """The answer to AUTH, where that is no yes. Permanent where it is about the credentials and not about now."""
    if said.code == CLOSING or not said.refused:
        return not_understood(login, said, "the login")
    if said.code not in _CREDENTIALS or _NOT_NOW.search(said.words):
        return AuthenticationFailed(f"{login.host} cannot log {login.username} in now: {said}")
    return AuthenticationFailed(
        f"{login.host} refuses the user name or password of {login.username}: {said}", permanent=True
    )


def all_refused(login: Login, refused: tuple[Refusal, ...]) -> SendRefused:
    """No recipient is left. Permanent where each refusal is."""
    first = f"{refused[0].address}: {refused[0].code} {refused[0].message}"
    others = f" ({len(refused) - 1:,} more were refused, too)" if len(refused) > 1 else ""
    return SendRefused(
        f"{login.host} refuses all recipients. {first}{others}",
        refused,
        permanent=all(refusal.code >= 500 for refusal in refused),
    )
