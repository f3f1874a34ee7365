"""Servers that would use up our memory, time or trust."""

from base64 import b64encode
from dataclasses import replace
from traceback import format_exception

import pytest

from mail.imap.session import MailSession
from mail.types import AuthenticationFailed, ConnectionFailed
from tests.protocol.scripted import DROP, ScriptedServer

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


_PASSWORD = "pa\"ss\\wo'rd"
_PLAIN = b64encode(f"\0alice\0{_PASSWORD}".encode()).decode()
_ECHOES = [
    f"NO I do not know {_PASSWORD} of alice",
    'BAD Unknown command: LOGIN alice "pa\\"ss\\\\wo\'rd"',
    'BAD Unknown command: login ALICE "PA\\"SS\\\\WO\'RD"',
    'BAD Too long: LOGIN alice "pa\\"ss',
    f"BAD Unknown command: {_PLAIN}",
    f"NO no such user: {_PLAIN[:20]}",
    f"NO not for {b64encode(_PASSWORD.encode()).decode()}",
    "BAD " + "x" * 495 + _PASSWORD,
    "BAD " + "x" * 495 + "pa\\\"ss\\\\wo'rd",
]


@pytest.mark.parametrize("way", ["", " LOGINDISABLED AUTH=PLAIN"])
@pytest.mark.parametrize("echo", _ECHOES)
def test_a_password_that_the_server_repeats_is_shown_to_nobody(echo: str, way: str) -> None:
    answer = f"%T {echo}\r\n".encode()
    offered = f"* CAPABILITY IMAP4rev1{way}\r\n%T OK done\r\n".encode()
    with (
        ScriptedServer({"LOGIN": answer, "AUTHENTICATE": answer, "CAPABILITY": offered}) as server,
        pytest.raises(AuthenticationFailed) as failed,
    ):
        MailSession.open(replace(server.login, password=_PASSWORD))
    shown = "".join(format_exception(failed.value)).lower()
    assert "…" in shown
    assert not [part for part in ('pa"ss', "pa\\", _PLAIN[:12].lower(), "cgeic3nc") if part in shown]


@pytest.mark.parametrize("answer", [b'* BYE What is LOGIN alice "secret"?\r\n' + DROP, b'LOGIN alice "secret"\r\n'])
def test_a_password_repeated_out_of_turn_is_shown_to_nobody(answer: bytes) -> None:
    with ScriptedServer({"LOGIN": answer}) as server, pytest.raises(ConnectionFailed) as failed:
        MailSession.open(server.login)
    shown = "".join(format_exception(failed.value))
    assert "…" in shown
    assert "secret" not in shown
