"""Submitting mail to a real server: TLS, logins, recipients, octets."""

import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from accounts.network import open_socket
from mail.smtp import opening, submit
from mail.smtp.content import carried
from mail.spool import Spool, let_go
from mail.types import (
    AuthenticationFailed,
    ConnectionFailed,
    Delivery,
    Login,
    Octets,
    Refusal,
    SendRefused,
    SendUncertain,
)
from tests.memory import peak
from tests.protocol.sink import Sink, running

LETTER = b"From: a@x.test\r\nTo: b@x.test\r\nSubject: hello\r\n\r\nHow are you?\r\n"
Listening = Callable[..., Sink]


@pytest.fixture
def listening(tmp_path: Path) -> Iterator[Listening]:
    with ExitStack() as stack:

        def start(sink: Sink | None = None, security: str = "none", **options: Any) -> Sink:
            return stack.enter_context(running(sink or Sink(), tmp_path, security, **options))

        yield start


def send(login: Login, *recipients: str, octets: Octets = LETTER, **options: Any) -> Delivery:
    return submit(login, "a@x.test", recipients or ("b@x.test",), octets, **options)


@pytest.mark.parametrize("security", ["tls", "starttls", "none"])
def test_a_message_arrives_as_it_was_sent(listening: Listening, security: str) -> None:
    sink = listening(security=security)
    delivery = send(sink.login, "b@x.test", "c@x.test")
    assert delivery == Delivery((), "2.0.0 Ok: queued as 4711")
    assert [letter.original_content for letter in sink.letters] == [LETTER]
    assert sink.letters[0].mail_from == "a@x.test"
    assert sink.letters[0].rcpt_tos == ["b@x.test", "c@x.test"]


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
def test_any_password_gets_through(listening: Listening, mechanism: str) -> None:
    other = {"PLAIN": "LOGIN", "LOGIN": "PLAIN"}[mechanism]
    sink = listening(auth_exclude_mechanism=[other])
    send(sink.login)
    assert sink.logins == [mechanism]


def test_a_login_without_a_user_name_sends_without_one(listening: Listening) -> None:
    sink = listening()
    send(replace(sink.login, username="", password=""))
    assert sink.letters
    assert not sink.logins


def test_a_wrong_password_is_permanent_and_says_so(listening: Listening) -> None:
    sink = listening(security="tls")
    with pytest.raises(AuthenticationFailed, match="refuses the user name or password of alice") as failed:
        send(replace(sink.login, password="wrong"))
    assert failed.value.permanent
    assert not sink.letters


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_is_verified_for_the_host(
    listening: Listening, security: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = listening(security=security)

    def anywhere(host: str, port: int, *, timeout: float, trusted: bool) -> socket.socket:
        return open_socket(host, port, timeout=timeout, trusted=True)

    monkeypatch.setattr(opening, "open_socket", anywhere)
    login = replace(sink.login, host="localhost", trusted=False)
    with pytest.raises(ConnectionFailed, match=r"not trusted: .*SYNCFARM_TRUSTED_HOSTS"):
        send(login)
    context = ssl.create_default_context(cafile=str(sink.certificate))
    monkeypatch.setattr(opening, "tls_context", lambda _: context)
    assert send(login)
    assert len(sink.letters) == 1


def test_a_private_address_is_refused_when_the_socket_opens(listening: Listening) -> None:
    sink = listening(security="tls")
    with pytest.raises(ConnectionFailed, match="SYNCFARM_TRUSTED_HOSTS"):
        send(replace(sink.login, trusted=False))


def test_a_connection_in_the_clear_is_refused_unless_trusted(listening: Listening) -> None:
    with pytest.raises(ConnectionFailed, match="without encryption"):
        send(replace(listening().login, trusted=False))


def test_starttls_is_not_done_without(listening: Listening) -> None:
    sink = listening()
    with pytest.raises(ConnectionFailed, match="offers no STARTTLS"):
        send(replace(sink.login, security="starttls"))
    assert not sink.logins


def test_the_wrong_security_for_a_port_says_what_to_choose(listening: Listening) -> None:
    sink = listening(security="starttls")
    with pytest.raises(ConnectionFailed, match="TLS failed"):
        send(replace(sink.login, security="tls"))


def test_a_server_that_offers_no_login_before_tls_says_so(listening: Listening) -> None:
    sink = listening(auth_require_tls=True)
    with pytest.raises(ConnectionFailed, match=r"offers no login, and PLAIN or LOGIN is needed.*choose that"):
        send(sink.login)


def test_refused_recipients_do_not_keep_the_others_from_their_mail(listening: Listening) -> None:
    sink = listening(Sink(refusing={"no@x.test": "550 5.1.1 No such user", "later@x.test": "451 4.7.1 Greylisted"}))
    delivery = send(sink.login, "no@x.test", "b@x.test", "later@x.test")
    assert delivery.refused == (
        Refusal("no@x.test", 550, "5.1.1 No such user"),
        Refusal("later@x.test", 451, "4.7.1 Greylisted"),
    )
    assert sink.letters[0].rcpt_tos == ["b@x.test"]


def test_recipients_beyond_the_servers_limit_may_be_tried_again(listening: Listening) -> None:
    sink = listening(Sink(refusing={"c@x.test": "552 5.5.3 Too many recipients", "d@x.test": "552 5.2.2 Over quota"}))
    delivery = send(sink.login, "b@x.test", "c@x.test", "d@x.test")
    assert [refusal.code for refusal in delivery.refused] == [452, 552]


@pytest.mark.parametrize(("second", "permanent"), [("550 5.1.1 Nor she", True), ("450 4.2.1 Busy", False)])
def test_when_all_recipients_are_refused_nothing_is_sent(listening: Listening, second: str, permanent: bool) -> None:
    sink = listening(Sink(refusing={"no@x.test": "550 5.1.1 No such user", "nor@x.test": second}))
    committed: list[bool] = []
    with pytest.raises(SendRefused, match=r"all recipients\. no@x\.test: 550 5\.1\.1 No such user") as failed:
        send(sink.login, "no@x.test", "nor@x.test", about_to_commit=lambda: committed.append(True))
    assert [refusal.address for refusal in failed.value.refusals] == ["no@x.test", "nor@x.test"]
    assert failed.value.permanent == permanent
    assert not sink.letters
    assert not committed


@pytest.mark.parametrize(("final", "permanent"), [("554 5.7.1 Spam", True), ("452 4.3.1 Disk full", False)])
def test_a_message_may_be_refused_at_its_end(listening: Listening, final: str, permanent: bool) -> None:
    with pytest.raises(SendRefused, match=f"refuses the message: {final}") as failed:
        send(listening(Sink(final=final)).login)
    assert failed.value.permanent == permanent


def test_a_message_that_was_taken_without_a_word_may_have_been_sent(listening: Listening) -> None:
    sink = listening(Sink(final=None))
    with pytest.raises(SendUncertain, match=r"did not say whether it took it\. It may have been sent"):
        send(sink.login)
    assert len(sink.letters) == 1


def test_before_the_dot_nothing_is_sent(listening: Listening) -> None:
    sink = listening()

    class Lost(Exception):
        pass

    def lost() -> None:
        raise Lost

    with pytest.raises(Lost):
        send(sink.login, about_to_commit=lost)
    assert send(sink.login)
    assert len(sink.letters) == 1


def test_the_caller_hears_when_all_is_said_but_the_dot(listening: Listening) -> None:
    sink = listening()
    seen: list[int] = []
    send(sink.login, about_to_commit=lambda: seen.append(len(sink.letters)))
    assert seen == [0]
    assert len(sink.letters) == 1


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        (b"A: b\r\n\r\n.\r\n..\r\n.x\r\n", b"A: b\r\n\r\n.\r\n..\r\n.x\r\n"),
        (b".", b".\r\n"),
        (b"A: b\n\nlf\n.\n", b"A: b\r\n\r\nlf\r\n.\r\n"),
        (b"A: b\r\rcr\r.\r", b"A: b\r\n\r\ncr\r\n.\r\n"),
        (b"A: b\r\n\r\nlast line", b"A: b\r\n\r\nlast line\r\n"),
        (b"A: b\r\n\r\nx\n.\nMAIL FROM:<evil@x.test>\r\n", b"A: b\r\n\r\nx\r\n.\r\nMAIL FROM:<evil@x.test>\r\n"),
        (b"A: b\r\n\r\nx\r.\rMAIL FROM:<evil@x.test>\r\n", b"A: b\r\n\r\nx\r\n.\r\nMAIL FROM:<evil@x.test>\r\n"),
    ],
)
@pytest.mark.parametrize("stretch", [1, 2, 3, 262_144])
def test_dots_and_line_ends_get_through(
    listening: Listening, sent: bytes, arrives: bytes, stretch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mail.smtp.content.STRETCH", stretch)
    sink = listening()
    send(sink.login, octets=sent)
    assert [letter.original_content for letter in sink.letters] == [arrives]


def test_a_message_that_is_too_large_is_not_begun(listening: Listening) -> None:
    sink = listening(data_size_limit=50)
    with pytest.raises(SendRefused, match=r"has 62 octets, and 127\.0\.0\.1 takes 50\.") as failed:
        send(sink.login)
    assert failed.value.permanent


def test_octets_outside_ascii_arrive(listening: Listening) -> None:
    sink = listening()
    send(sink.login, octets=LETTER + "ü".encode())
    assert sink.letters[0].original_content == LETTER + "ü\r\n".encode()


def test_an_address_outside_ascii_needs_a_server_that_takes_it(listening: Listening) -> None:
    with pytest.raises(SendRefused, match=r"用户@x\.test is not ASCII.*SMTPUTF8") as failed:
        send(listening().login, "用户@x.test")
    assert failed.value.permanent
    sink = listening(enable_SMTPUTF8=True)
    send(sink.login, "用户@x.test")
    assert sink.letters[0].rcpt_tos == ["用户@x.test"]
    assert sink.letters[0].smtp_utf8


@pytest.mark.parametrize(
    "address", ["", "b@x.test>\r\nRCPT TO:<c@x.test", "b@x.test> NOTIFY=NEVER", "a\0@x.test", "\ud800@x.test"]
)
def test_what_is_no_address_never_reaches_the_server(listening: Listening, address: str) -> None:
    sink = listening()
    with pytest.raises(SendRefused, match="is no address"):
        send(sink.login, "b@x.test", address)
    with pytest.raises(SendRefused, match="is no address"):
        submit(sink.login, address, ["b@x.test"], LETTER)
    with pytest.raises(SendRefused, match="no recipients"):
        submit(sink.login, "a@x.test", [], LETTER)
    assert not sink.logins


def test_a_large_message_is_sent_from_its_file(listening: Listening) -> None:
    sink = listening(data_size_limit=None)
    with Spool() as spool:
        for _ in range(30):
            spool.write((b"." + b"x" * 75 + b"\r\n") * 10_000)
        octets = spool.octets()
    send(sink.login, octets=octets)
    assert sink.letters[0].original_content == octets[:]


def test_making_a_large_file_ready_for_the_line_takes_little_memory() -> None:
    with Spool() as spool:
        for _ in range(30):
            spool.write((b"." + b"x" * 75 + b"\n") * 10_000)
        octets = spool.octets()
    with peak() as memory:
        carried_octets = sum(map(len, carried(octets)))
    let_go(octets)
    assert carried_octets == 300_000 * 79
    assert memory.more < 30_000_000
