"""Servers that lie, stall, flood and hang up: nothing is sent, it is sent, or it is uncertain, and all in time."""

import base64
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from mail.smtp import submission, submit
from mail.types import (
    AuthenticationFailed,
    ConnectionFailed,
    Delivery,
    Login,
    MailError,
    SendRefused,
    SendUncertain,
)
from tests.protocol.scripted import DRIP, DROP, STALL
from tests.protocol.scripted_smtp import DEAF, ScriptedSmtp

LETTER = b"Subject: hello\r\n\r\nHow are you?\r\n"
BEFORE_THE_DOT = ["EHLO", "AUTH", "MAIL", "RCPT", "DATA"]
ENDLESS_LINE = b"250-" + b"x" * 20_000
ENDLESS_REPLY = b"250-x\r\n" * 5_000
GARBAGE = b"\xff\x00\x80 garbage\r\n"


def send(login: Login, *recipients: str, timeout: float = 5.0, octets: bytes = LETTER) -> Delivery:
    return submit(login, "a@x.test", recipients or ("b@x.test",), octets, timeout=timeout)


@contextmanager
def in_time(seconds: float = 4.0) -> Iterator[None]:
    began = time.monotonic()
    yield
    assert time.monotonic() - began < seconds


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    issued = trustme.CA().issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    return tmp_path


def test_the_scripted_server_takes_a_message() -> None:
    with ScriptedSmtp({}) as server:
        assert send(server.login) == Delivery((), "2.0.0 queued as 7")
    assert server.letters == [LETTER]
    assert server.heard[0] == b"ehlo [127.0.0.1]"
    assert server.heard[2:] == [
        b"MAIL FROM:<a@x.test> SIZE=32", b"RCPT TO:<b@x.test>", b"DATA", b"QUIT",
    ]  # fmt: skip


@pytest.mark.parametrize("step", BEFORE_THE_DOT)
@pytest.mark.parametrize("said", [b"", b"250-half an ans"])
def test_a_server_that_hangs_up_before_the_dot_has_sent_nothing(step: str, said: bytes) -> None:
    with ScriptedSmtp({step: said + DROP}) as server, in_time(), pytest.raises(ConnectionFailed) as failed:
        send(server.login)
    assert not failed.value.permanent
    assert "127.0.0.1" in str(failed.value)
    assert not server.letters


@pytest.mark.parametrize("step", BEFORE_THE_DOT)
@pytest.mark.parametrize("said", [ENDLESS_LINE, ENDLESS_REPLY, GARBAGE, b"999\r\n", b"1\r\n", b"\r\n"])
def test_what_is_not_smtp_before_the_dot_sends_nothing(step: str, said: bytes) -> None:
    with ScriptedSmtp({step: said}) as server, in_time(), pytest.raises(ConnectionFailed) as failed:
        send(server.login)
    assert len(str(failed.value)) < 800
    assert "\x00" not in str(failed.value)
    assert not server.letters


@pytest.mark.parametrize("said", [ENDLESS_LINE, ENDLESS_REPLY, GARBAGE, b"* OK IMAP ready\r\n"])
def test_a_greeting_that_is_not_smtp_says_to_check_the_port(said: bytes) -> None:
    with ScriptedSmtp({}, greeting=said) as server, in_time(), pytest.raises(ConnectionFailed, match="Check the port"):
        send(server.login)


def test_a_greeting_that_turns_us_away_is_told() -> None:
    with (
        ScriptedSmtp({}, greeting=b"554 5.7.1 Blocked: see list.example\r\n") as server,
        pytest.raises(ConnectionFailed, match=r"takes no mail from here: 554 5\.7\.1 Blocked"),
    ):
        send(server.login)


@pytest.mark.parametrize("step", BEFORE_THE_DOT)
@pytest.mark.parametrize("manner", [STALL, b"250-" + DRIP])
def test_silence_before_the_dot_ends_in_time(step: str, manner: bytes) -> None:
    with ScriptedSmtp({step: manner}) as server, in_time(5), pytest.raises(ConnectionFailed) as failed:
        send(server.login, timeout=0.2)
    assert "no answer within 0.2 seconds" in str(failed.value) or "did not finish in" in str(failed.value)
    assert not server.letters


def test_silence_instead_of_a_greeting_ends_in_time() -> None:
    with (
        ScriptedSmtp({}, greeting=STALL) as server,
        in_time(),
        pytest.raises(ConnectionFailed, match=r"no answer within 0\.2 seconds"),
    ):
        send(server.login, timeout=0.2)


@pytest.mark.parametrize("step", ["AUTH", "MAIL", "RCPT", "DATA"])
def test_a_server_that_closes_amid_the_conversation_has_sent_nothing(step: str) -> None:
    closing = b"421 4.3.2 Shutting down\r\n" + DROP
    with (
        ScriptedSmtp({step: closing}) as server,
        pytest.raises(ConnectionFailed, match=r"ends the conversation: 421 4\.3\.2 Shutting down"),
    ):
        send(server.login, "b@x.test", "c@x.test")


@pytest.mark.parametrize(
    ("step", "said", "permanent"),
    [
        ("MAIL", b"553 5.7.1 Not your address\r\n", True),
        ("MAIL", b"452 4.3.1 Full\r\n", False),
        ("DATA", b"554 5.5.1 No valid recipients\r\n", True),
        ("DATA", b"451 4.3.0 Try later\r\n", False),
    ],
)
def test_a_refusal_before_the_dot_is_told_with_its_bit(step: str, said: bytes, permanent: bool) -> None:
    words = said.decode().strip()
    with ScriptedSmtp({step: said}) as server, pytest.raises(SendRefused, match=words) as failed:
        send(server.login)
    assert failed.value.permanent == permanent
    assert not server.letters


def test_a_server_that_refuses_amid_the_message_says_why() -> None:
    refusing = b"354 go on\r\n552 5.3.4 Too large\r\n" + DROP
    letter = LETTER + b"x\r\n" * 5_000_000
    with (
        ScriptedSmtp({"DATA": refusing, "EHLO": b"250-x\r\n250 AUTH PLAIN\r\n"}) as server,
        in_time(10),
        pytest.raises((SendRefused, ConnectionFailed)) as failed,
    ):
        send(server.login, octets=letter)
    assert isinstance(failed.value, ConnectionFailed) or "552 5.3.4 Too large" in str(failed.value)
    assert not server.letters


def test_a_server_that_stops_reading_is_left_in_time() -> None:
    script = {"DATA": b"354 go on\r\n" + DEAF, "EHLO": b"250-x\r\n250 AUTH PLAIN\r\n"}
    with (
        ScriptedSmtp(script) as server,
        in_time(5),
        pytest.raises(ConnectionFailed, match=r"no answer within|finish in"),
    ):
        send(server.login, timeout=0.2, octets=LETTER + b"x\r\n" * 10_000_000)
    assert not server.letters


@pytest.mark.parametrize("said", [DROP, b"250-half" + DROP, GARBAGE, ENDLESS_LINE, ENDLESS_REPLY, b"354 more\r\n"])
def test_after_the_dot_what_is_no_answer_leaves_it_uncertain(said: bytes) -> None:
    with ScriptedSmtp({".": said}) as server, in_time(), pytest.raises(SendUncertain, match="may have been sent"):
        send(server.login)
    assert server.letters == [LETTER]


@pytest.mark.parametrize("manner", [STALL, b"250-" + DRIP])
def test_silence_after_the_dot_is_waited_for_longer_and_ends(manner: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submission, "_PATIENCE", 5)
    with ScriptedSmtp({".": manner}) as server, in_time(5), pytest.raises(SendUncertain, match=r"within 1 s|in 1 s"):
        send(server.login, timeout=0.2)
    assert server.letters == [LETTER]


@pytest.mark.parametrize("code", [421, 451, 554])
def test_a_refusal_after_the_dot_means_that_nothing_was_sent(code: int) -> None:
    with ScriptedSmtp({".": b"%d no\r\n" % code + DROP}) as server, pytest.raises(SendRefused, match="no") as failed:
        send(server.login)
    assert failed.value.permanent == (code == 554)


def test_a_message_is_no_message_to_the_server_when_the_caller_stops_before_the_dot() -> None:
    class Stopped(BaseException):
        pass

    def stop() -> None:
        raise Stopped

    with ScriptedSmtp({}) as server:
        with pytest.raises(Stopped):
            submit(server.login, "a@x.test", ["b@x.test"], LETTER, about_to_commit=stop)
        send(server.login)  # the server attends one after the other
    assert server.cut == [LETTER]
    assert server.letters == [LETTER]


@pytest.mark.parametrize("said", [DROP, STALL, GARBAGE, ENDLESS_REPLY, b"250-" + DRIP])
def test_how_the_server_parts_does_not_matter(said: bytes) -> None:
    with ScriptedSmtp({"QUIT": said}) as server, in_time(5):
        assert send(server.login, timeout=0.2).response == "2.0.0 queued as 7"


@pytest.mark.parametrize(
    ("said", "permanent"),
    [
        (b"535 5.7.8 Username and Password not accepted\r\n", True),
        (b"534 5.7.9 Application-specific password required\r\n", True),
        (b"454 4.7.0 Temporary authentication failure\r\n", False),
        (b"535 5.7.0 Too many login attempts, please try again later\r\n", False),
        (b"504 5.5.4 Unrecognized authentication type\r\n", False),
    ],
)
def test_a_refused_login_is_permanent_unless_it_is_about_now(said: bytes, permanent: bool) -> None:
    with (
        ScriptedSmtp({"AUTH": said}) as server,
        pytest.raises(AuthenticationFailed, match=said.decode()[:10]) as failed,
    ):
        send(server.login)
    assert failed.value.permanent == permanent


@pytest.mark.parametrize("offered", [b"PLAIN", b"LOGIN"])
def test_no_error_and_no_log_line_repeats_the_password(offered: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    password = "hunter2-and-more"
    coded = base64.b64encode(password.encode())
    plain = base64.b64encode(b"\0alice\0" + password.encode())
    echo = b"535 not " + password.encode() + b" nor " + coded + b" nor AUTH PLAIN " + plain + b"\r\n"
    script = {"EHLO": b"250-x\r\n250 AUTH " + offered + b"\r\n", "AUTH": echo, "MAIL": echo, "AUTH LOGIN": b"334 \r\n"}
    script |= {"YWxp": b"334 \r\n", coded.decode(): echo}
    with ScriptedSmtp(script) as server, pytest.raises(MailError) as failed:
        send(replace(server.login, password=password))
    told = f"{failed.value} {failed.value.__cause__} {caplog.text}"
    assert not any(form in told for form in (password, coded.decode(), plain.decode()))
    assert "nor" in str(failed.value)


@pytest.mark.parametrize("password", ["x\r\nRSET", "a\0b", "\ud83d"])
def test_what_no_password_can_be_never_reaches_the_server(password: str) -> None:
    with ScriptedSmtp({}) as server:
        with pytest.raises(AuthenticationFailed, match="cannot contain line breaks"):
            send(replace(server.login, password=password))
        assert server.heard == []


def test_an_access_token_is_sent_as_such() -> None:
    script = {"EHLO": b"250-x\r\n250 AUTH PLAIN XOAUTH2\r\n"}
    with ScriptedSmtp(script) as server:
        send(replace(server.login, password="ya29.a0Af", mechanism="xoauth2"))
    kind, mechanism, coded = server.heard[1].split()
    assert (kind, mechanism) == (b"AUTH", b"XOAUTH2")
    assert base64.b64decode(coded) == b"user=alice\1auth=Bearer ya29.a0Af\1\1"


def test_why_an_access_token_is_refused_is_asked_for() -> None:
    script = {
        "EHLO": b"250-x\r\n250 AUTH XOAUTH2\r\n",
        "AUTH": b"334 eyJzdGF0dXMiOiI0MDAifQ==\r\n",
        "": b"535 5.7.8 Token expired\r\n",
    }
    with (
        ScriptedSmtp(script) as server,
        pytest.raises(AuthenticationFailed, match=r"535 5\.7\.8 Token expired") as failed,
    ):
        send(replace(server.login, password="ya29.a0Af", mechanism="xoauth2"))
    assert failed.value.permanent


def test_what_was_said_before_starttls_is_forgotten(certificates: Path) -> None:
    script = {
        "EHLO": b"250-x\r\n250-STARTTLS\r\n250-SIZE 1\r\n250 AUTH PLAIN\r\n",
        "STARTTLS": b"220 go\r\n250-injected\r\n250-SIZE 1\r\n250 AUTH LOGIN\r\n",
    }
    with ScriptedSmtp(script, tls=certificates) as server:
        server.after_tls = {"EHLO": b"250-x\r\n250 AUTH PLAIN\r\n"}
        send(replace(server.login, security="starttls"))
    assert server.letters == [LETTER]
    assert [line.split()[0] for line in server.heard[:4]] == [b"ehlo", b"STARTTLS", b"ehlo", b"AUTH"]
    assert server.heard[4] == b"MAIL FROM:<a@x.test>"


def test_a_server_that_refuses_starttls_gets_no_password() -> None:
    script = {"EHLO": b"250-x\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n", "STARTTLS": b"454 4.7.0 not now\r\n"}
    with (
        ScriptedSmtp(script) as server,
        pytest.raises(ConnectionFailed, match=r"refuses STARTTLS: 454 4\.7\.0 not now"),
    ):
        send(replace(server.login, security="starttls"))
    assert not any(line.startswith(b"AUTH") for line in server.heard)


@pytest.mark.parametrize("limit", [b"", b" 0", b" many", b" 99999999999999999999999999"])
def test_a_size_that_is_no_limit_is_none(limit: bytes) -> None:
    with ScriptedSmtp({"EHLO": b"250-x\r\n250-AUTH PLAIN\r\n250 SIZE" + limit + b"\r\n"}) as server:
        assert send(server.login)


def test_octets_outside_ascii_are_refused_where_the_server_takes_none() -> None:
    with ScriptedSmtp({}) as server, pytest.raises(SendRefused, match=r"not 7-bit.*8BITMIME.*base64") as failed:
        send(server.login, octets=LETTER + b"\xfc")
    assert failed.value.permanent
    assert b"DATA" not in server.heard


def test_logins_that_we_do_not_speak_are_named() -> None:
    script = {"EHLO": b"250-x\r\n250 AUTH NTLM CRAM-MD5\r\n"}
    with ScriptedSmtp(script) as server, pytest.raises(ConnectionFailed, match="offers only CRAM-MD5, NTLM, and PLAIN"):
        send(server.login)
