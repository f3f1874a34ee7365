"""Servers that would use up our memory, time or trust."""

import pytest

from mail.imap.session import MailSession
from mail.types import ConnectionFailed
from tests.protocol.scripted import ScriptedServer

_HUGE = b"* FOO {99999999999999}\r\n"
_ENDLESS = b"* FOO {" + b"9" * 5000 + b"}\r\n"
_FLOOD = b"* FOO " + b"x" * 50_000 + b"\r\n"


@pytest.mark.parametrize("said", [_HUGE, _ENDLESS, _FLOOD * 30, b"x" * 1_500_000 + b"\r\n"])
@pytest.mark.parametrize("command", ["CAPABILITY", "LOGIN"])
def test_more_than_a_login_needs_is_not_read(command: str, said: bytes) -> None:
    answers = {"CAPABILITY": b"* CAPABILITY IMAP4rev1\r\n", "LOGIN": b""}
    with (
        ScriptedServer({command: said + answers[command] + b"%T OK done\r\n"}) as server,
        pytest.raises(ConnectionFailed, match=r"more than 1,000,000 octets|not IMAP"),
    ):
        MailSession.open(server.login)


def test_a_huge_literal_in_place_of_a_greeting_is_not_read() -> None:
    with (
        ScriptedServer({}, greeting=_HUGE) as server,
        pytest.raises(ConnectionFailed, match="more than 1,000,000 octets"),
    ):
        MailSession.open(server.login)
