"""Servers that would use up our memory, time or trust."""

import os
import subprocess
import sys
import threading
import time
from base64 import b64encode
from dataclasses import replace
from pathlib import Path
from traceback import format_exception

import pytest

from mail.imap.session import MailSession
from mail.types import AuthenticationFailed, ConnectionFailed
from tests.mailboxes import MailboxFactory
from tests.protocol.scripted import DRIP, DROP, STALL, ScriptedServer

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


_DRIPS = [
    ({}, b"* OK hel" + DRIP),
    ({"CAPABILITY": b"* CAPABILITY " + DRIP}, b"* OK\r\n"),
    ({"LOGIN": DRIP}, b"* OK\r\n"),
    ({"LOGIN": b"%T OK [CAPABILITY ID] in\r\n", "ID": DRIP}, b"* OK\r\n"),
    ({"LIST": b"* LIST () {900000}\r\n" + DRIP}, b"* OK\r\n"),
]


@pytest.mark.parametrize(("script", "greeting"), _DRIPS)
def test_a_server_that_drips_does_not_hold_a_session_beyond_its_time(script: dict[str, bytes], greeting: bytes) -> None:
    with (
        ScriptedServer(script, greeting) as server,
        pytest.raises(ConnectionFailed, match=r"127\.0\.0\.1 did not finish in 0\.5 seconds"),
        MailSession.open(server.login, seconds=0.5) as session,
    ):
        session.folders()


def test_a_handshake_that_drips_does_not_hold_a_session_beyond_its_time() -> None:
    with (
        ScriptedServer({}, greeting=b"\x16\x03\x03\x40\x00" + DRIP) as server,
        pytest.raises(ConnectionFailed, match=r"did not finish in 0\.5 seconds"),
    ):
        MailSession.open(replace(server.login, security="tls"), seconds=0.5)


def test_a_server_that_drips_through_tls_does_not_hold_a_session_beyond_its_time(
    mailbox_factory: MailboxFactory,
) -> None:
    script = {
        "CAPABILITY": b"* CAPABILITY IMAP4rev1 STARTTLS\r\n%T OK done\r\n",
        "STARTTLS": b"%T OK go\r\n",
        "LOGIN": DRIP,
    }
    with (
        ScriptedServer(script, tls=mailbox_factory("qresync").server.directory) as server,
        pytest.raises(ConnectionFailed, match=r"did not finish in 0\.5 seconds"),
    ):
        MailSession.open(replace(server.login, security="starttls"), seconds=0.5)


def test_a_login_has_a_time_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mail.imap.session._SECONDS_TO_LOG_IN", 0.5)
    with (
        ScriptedServer({"LOGIN": DRIP}) as server,
        pytest.raises(ConnectionFailed, match=r"did not finish in 0\.5 seconds"),
    ):
        MailSession.open(server.login)


def test_a_server_that_drips_later_is_too_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mail.line.watch.PATIENCE", 0.5)
    with (
        ScriptedServer({"UID FETCH": b"* 1 FETCH (UID 1 BODY[] {99999}\r\n" + DRIP}) as server,
        MailSession.open(server.login) as session,
    ):
        session.select("INBOX")
        with pytest.raises(ConnectionFailed, match=r"is too slow: \d+ octets in \d seconds"):
            list(session.bodies([1]))


def test_a_session_that_gets_ahead_outlasts_every_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mail.line.watch.PATIENCE", 0.05)
    monkeypatch.setattr("mail.line.watch.RATE", 1)
    monkeypatch.setattr("mail.imap.session._SECONDS_TO_LOG_IN", 0.5)
    with (
        ScriptedServer({"UID FETCH": b"* 1 FETCH (UID 1 BODY[] {20}\r\n" + DRIP}) as server,
        MailSession.open(server.login) as session,
    ):
        session.select("INBOX")
        with pytest.raises(ConnectionFailed, match="dropped"):
            list(session.bodies([1]))


def test_a_goodbye_that_drips_is_not_waited_for() -> None:
    with ScriptedServer({"LOGOUT": DRIP}) as server:
        session = MailSession.open(server.login)
        started = time.monotonic()
        session.close()
        assert time.monotonic() - started < 4.5


def test_a_session_can_be_stopped_from_elsewhere() -> None:
    with ScriptedServer({"UID FETCH": STALL}) as server, MailSession.open(server.login) as session:
        session.select("INBOX")
        threading.Timer(0.2, session.stop, ["Enough."]).start()
        with pytest.raises(ConnectionFailed, match=r"^Enough\.$"):
            list(session.bodies([1]))
        with pytest.raises(ConnectionFailed):
            session.uids(1)


def test_a_closed_session_leaves_no_thread_and_no_socket() -> None:
    before = _threads_and_files()
    with ScriptedServer({}) as server:
        MailSession.open(server.login).close()
        with pytest.raises(ConnectionFailed):
            MailSession.open(replace(server.login, security="tls"))
    deadline = time.monotonic() + 10
    while _threads_and_files() != before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert _threads_and_files() == before


def _threads_and_files() -> tuple[int, int]:
    return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))


_GREENLETS = """
from gevent import monkey; monkey.patch_all()
import django; django.setup()
from mail.imap.session import MailSession
from mail.types import Login
try:
    MailSession.open(Login("127.0.0.1", {port}, "tls", "alice", "secret", trusted=True), seconds=0.5)
except Exception as error:
    print(error)
"""


def test_a_handshake_that_drips_is_cut_among_greenlets_too() -> None:
    """There the socket's timeout bounds each wait for an octet, not the handshake."""
    with ScriptedServer({}, greeting=b"\x16\x03\x03\x40\x00" + DRIP) as server:
        result = subprocess.run(
            [sys.executable, "-c", _GREENLETS.format(port=server.login.port)],
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "syncfarm.settings"},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
    assert result.stdout == "127.0.0.1 did not finish in 0.5 seconds.\n"
