"""One message to one server: who gets it, the octets, and what the server says at the end."""

import contextlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from mail.line.watch import Watch
from mail.smtp.answers import CLOSING, all_refused, not_understood
from mail.smtp.content import carried, is_ascii
from mail.smtp.opening import Connection, check, connection_errors, log_in
from mail.types import ConnectionFailed, Delivery, Login, Octets, Refusal, SendRefused, SendUncertain

# How long it may take before the last dot, in which a server is also hostile, or looks each recipient up.
_READS = 10  # times `timeout`
_EACH = 1.0  # seconds more for a recipient
_RATE = 20_000  # octets a second that it takes at least
# Servers look for viruses and deliver before they answer the dot; who gives up then sends twice. With a timeout of 30
# seconds these are the ten minutes of RFC 5321 §4.5.3.2.6.
_PATIENCE = 20  # times `timeout`
_PARTING = 2.0  # seconds for QUIT
_UNFIT = re.compile("[\0-\x20\x7f<>\ud800-\udfff]")


def _nothing() -> None:
    """What to do before the last dot, where nobody says."""


def submit(
    login: Login,
    sender: str,
    recipients: Sequence[str],
    octets: Octets,
    *,
    about_to_commit: Callable[[], None] = _nothing,
    timeout: float = 30.0,
) -> Delivery:
    """Send a message. `sender` and `recipients` are addresses as mail.compose.routable gives them; `timeout` is of each
    answer, in seconds, and bounds the whole.

    `about_to_commit` is called when all but the last dot is sent: where it raises nothing is sent, and what it raised
    comes through. Raises ConnectionFailed, AuthenticationFailed and SendRefused, after which nobody gets the message,
    and SendUncertain, after which it may have been sent, as after anything else that comes out (a kill, a Timeout of
    gevent) once `about_to_commit` is over. Recipients that are refused beside others are in what is returned.
    """
    check(login)
    _check_addresses(sender, recipients)
    watch = Watch(login.host, _READS * timeout + _EACH * len(recipients) + len(octets) / _RATE)
    connection = Connection(login, timeout, watch)
    try:
        with watch.waiting(), connection_errors(login, timeout):
            log_in(connection)
            refused = _offer(connection, sender, recipients, octets)
            _hand_over(connection, octets)
        watch.allow(_PATIENCE * timeout)
        about_to_commit()
        with _uncertain(login), watch.waiting(), connection_errors(login, _PATIENCE * timeout):
            connection.wait_for(_PATIENCE * timeout)
            response = _commit(connection)
        with contextlib.suppress(Exception):
            watch.allow(_PARTING)
            connection.wait_for(min(_PARTING, timeout))
            connection.ask("QUIT")
        return Delivery(refused, response)
    finally:
        with contextlib.suppress(OSError):
            connection.close()
        watch.end()


def _check_addresses(sender: str, recipients: Sequence[str]) -> None:
    if not recipients:
        raise SendRefused("The message has no recipients.", permanent=True)
    for address in (sender, *recipients):
        if not address or _UNFIT.search(address):
            raise SendRefused(f"{address[:80]!a} is no address.", permanent=True)


def _offer(connection: Connection, sender: str, recipients: Sequence[str], octets: Octets) -> tuple[Refusal, ...]:
    """MAIL, RCPT for each, DATA. Who was refused. Raises SendRefused where that is everybody."""
    login = connection.login_data
    options = _options(connection, (sender, *recipients), octets)
    said = connection.ask(" ".join([f"MAIL FROM:<{sender}>", *options]))
    if not said.accepted:
        raise not_understood(login, said, f"the sender {sender}")
    refused = []
    for recipient in recipients:
        said = connection.ask(f"RCPT TO:<{recipient}>")
        if said.code == CLOSING or not (said.accepted or said.refused):
            raise not_understood(login, said, f"the recipient {recipient}")
        if said.refused:
            # RFC 5321 §4.5.3.1.10: old servers call a message's limit of recipients permanent.
            crowded = said.code == 552 and "too many" in said.words.lower()
            refused.append(Refusal(recipient, 452 if crowded else said.code, said.words))
    if len(refused) == len(recipients):
        raise all_refused(login, tuple(refused))
    said = connection.ask("DATA")
    if said.code != 354:
        raise not_understood(login, said, "the message")
    return tuple(refused)


def _options(connection: Connection, addresses: Sequence[str], octets: Octets) -> Iterator[str]:
    """Of MAIL. Raises SendRefused where the server does not take such a message."""
    host = connection.login_data.host
    if connection.has_extn("size"):
        limit = connection.esmtp_features["size"]
        if re.fullmatch(r"[0-9]{1,20}", limit) and 0 < int(limit) < len(octets):  # 0: none (RFC 1870 §4)
            raise SendRefused(
                f"The message has {len(octets):,} octets, and {host} takes {int(limit):,}. Send less or smaller files.",
                permanent=True,
            )
        yield f"SIZE={len(octets)}"
    if not is_ascii(octets):
        if not connection.has_extn("8bitmime"):
            raise SendRefused(
                f"The message is not 7-bit, and {host} takes no other (8BITMIME). Encode its parts as quoted-printable"
                f" or base64.",
                permanent=True,
            )
        yield "BODY=8BITMIME"
    foreign = next((address for address in addresses if not address.isascii()), "")
    if foreign:
        if not connection.has_extn("smtputf8"):
            raise SendRefused(
                f"The address {foreign} is not ASCII, and {host} takes no such addresses (SMTPUTF8).", permanent=True
            )
        connection.command_encoding = "utf-8"
        yield "SMTPUTF8"


def _hand_over(connection: Connection, octets: Octets) -> None:
    """All but the last dot. A server that hangs up amid it may have said why."""
    try:
        for piece in carried(octets):
            connection.send(piece)
    except OSError:
        said = None
        with contextlib.suppress(OSError):
            said = connection.answer()
        if said is not None and said.refused:
            raise not_understood(connection.login_data, said, "the message") from None
        raise


def _commit(connection: Connection) -> str:
    """The last dot, and the server's words to it. Raises SendRefused, and ConnectionFailed where the answer is none."""
    said = connection.ask(".")
    if said.refused:
        words = f"{connection.login_data.host} refuses the message: {said}"
        raise SendRefused(words, permanent=said.permanent)
    if not said.accepted:
        raise not_understood(connection.login_data, said, "the message")
    return said.words


@contextmanager
def _uncertain(login: Login) -> Iterator[None]:
    """A connection that fails in the block leaves it open whether the message was sent."""
    try:
        yield
    except ConnectionFailed as error:
        raise SendUncertain(
            f"{login.host} got the message and did not say whether it took it. It may have been sent. {error}"
        ) from error
