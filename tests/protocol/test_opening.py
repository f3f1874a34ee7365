"""How connecting and logging in can fail, and what the mailbox's owner is told."""

import socket
import ssl
from dataclasses import replace

import pytest

from accounts.network import open_socket
from mail.imap import opening
from mail.imap.session import MailSession
from mail.types import AuthenticationFailed, ConnectionFailed, Login
from syncfarm.dovecot import Dovecot
from tests.mailboxes import Mailbox, MailboxFactory
from tests.protocol.scripted import DROP, STALL, ScriptedServer


@pytest.fixture
def box(mailbox_factory: MailboxFactory) -> Mailbox:
    return mailbox_factory("qresync")


@pytest.fixture
def _addresses_unchecked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets untrusted hosts have the loopback's address, so that TLS is verified on it."""

    def anywhere(host: str, port: int, *, timeout: float, trusted: bool) -> socket.socket:
        return open_socket(host, port, timeout=timeout, trusted=True)

    monkeypatch.setattr(opening, "open_socket", anywhere)


def _tls(box: Mailbox, security: str = "tls", *, host: str = "localhost") -> Login:
    port = box.server.tls_port if security == "tls" else box.port
    return replace(box.login, host=host, port=port, security=security, trusted=False)


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.usefixtures("_addresses_unchecked")
def test_a_certificate_that_can_be_verified_is_accepted(
    box: Mailbox, security: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = ssl.create_default_context(cafile=str(box.server.certificate))
    monkeypatch.setattr(opening, "tls_context", lambda _: context)
    with MailSession.open(_tls(box, security)) as session:
        assert session.folders()


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.usefixtures("_addresses_unchecked")
def test_an_untrusted_certificate_is_refused_with_the_cure(box: Mailbox, security: str) -> None:
    with pytest.raises(
        ConnectionFailed, match=r"not trusted: self.signed certificate.*SYNCFARM_TRUSTED_HOSTS"
    ) as failed:
        MailSession.open(_tls(box, security))
    assert not failed.value.permanent


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_trusted_host_may_have_any_certificate(box: Mailbox, security: str) -> None:
    with MailSession.open(replace(_tls(box, security), trusted=True)) as session:
        assert session.strategy == "qresync"


def test_a_private_address_is_refused_when_the_socket_opens(box: Mailbox) -> None:
    with pytest.raises(ConnectionFailed, match="SYNCFARM_TRUSTED_HOSTS"):
        MailSession.open(_tls(box))


def test_a_connection_in_the_clear_is_refused_unless_trusted(box: Mailbox) -> None:
    with pytest.raises(ConnectionFailed, match="without encryption"):
        MailSession.open(replace(box.login, trusted=False))


def test_a_wrong_password_is_permanent_and_says_so(mailbox: Mailbox) -> None:
    with pytest.raises(AuthenticationFailed, match=r"refuses .* of user.*Authentication failed") as failed:
        MailSession.open(replace(mailbox.login, password="wrong"))
    assert failed.value.permanent


@pytest.mark.parametrize("password", ["pässwörd", 'quo"te \\ back', "{5}", "日本"])
def test_any_password_gets_through(box: Mailbox, password: str) -> None:
    user = f"any-{password.encode().hex()}@example.test"
    box.server.add_user(user, password)
    with MailSession.open(replace(box.login, username=user, password=password)) as session:
        assert session.select("INBOX").exists == 0


@pytest.mark.parametrize("username", ["DOMAIN\\jürgen", 'a "b" c', "per cent%", "(x)"])
def test_any_user_name_is_sent_as_it_is(username: str) -> None:
    refusal = b"%T NO never\r\n"
    with ScriptedServer({"LOGIN": refusal, "AUTHENTICATE": refusal}) as server:
        with pytest.raises(AuthenticationFailed):
            MailSession.open(replace(server.login, username=username, password="x"))
        sent = server.heard[1]
    quoted = username.replace("\\", "\\\\").replace('"', '\\"')
    expected = f'LOGIN "{quoted}" "x"'.encode() if username.isascii() else b"AUTHENTICATE PLAIN"
    assert sent == expected


def test_a_line_break_in_credentials_never_reaches_the_server() -> None:
    with ScriptedServer({}) as server:
        with pytest.raises(AuthenticationFailed, match="line breaks"):
            MailSession.open(replace(server.login, password="x\r\nF9 DELETE INBOX"))
        assert server.heard == [b"CAPABILITY"]


@pytest.mark.parametrize(
    ("answer", "permanent"),
    [
        (b"NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)", True),
        (b"NO [ALERT] Application-specific password required", True),
        (b"NO LOGIN failed.", True),
        (b"NO [UNAVAILABLE] Temporary authentication failure.", False),
        (b"NO [INUSE] Mailbox is locked", False),
        (b"NO [LIMIT] Login rate limit", False),
        (b"NO [CONTACTADMIN] Something broke", False),
        (b"NO [ALERT] Too many simultaneous connections. (Failure)", False),
        (b"NO Server busy, try again later", False),
        (b"BAD what is that?", False),
    ],
)
def test_a_refused_login_is_permanent_unless_it_is_about_this_moment(answer: bytes, permanent: bool) -> None:
    with ScriptedServer({"LOGIN": b"%T " + answer + b"\r\n"}) as server, pytest.raises(AuthenticationFailed) as failed:
        MailSession.open(server.login)
    assert failed.value.permanent == permanent
    assert answer.decode().partition("] ")[2].strip("NO ") in str(failed.value)


def test_no_login_in_the_clear_says_what_to_choose() -> None:
    with ScriptedServer({"CAPABILITY": b"* CAPABILITY IMAP4rev1 LOGINDISABLED STARTTLS\r\n%T OK done\r\n"}) as server:
        with pytest.raises(ConnectionFailed, match="over TLS or STARTTLS"):
            MailSession.open(server.login)
        assert not any(b"secret" in command for command in server.heard)


def test_starttls_that_is_not_offered_is_no_reason_to_go_on_in_the_clear() -> None:
    with ScriptedServer({}) as server:
        with pytest.raises(ConnectionFailed, match="offers no STARTTLS"):
            MailSession.open(replace(server.login, security="starttls"))
        assert not any(b"secret" in command for command in server.heard)


def test_what_is_slipped_in_before_tls_is_not_read_after_it(box: Mailbox) -> None:
    slipped_in = b"%T OK begin\r\n* CAPABILITY IMAP4rev1 SLIPPED-IN\r\n"
    capable = b"* CAPABILITY IMAP4rev1 STARTTLS\r\n%T OK done\r\n"
    with ScriptedServer({"STARTTLS": slipped_in, "CAPABILITY": capable}, tls=box.server.directory) as server:
        with MailSession.open(replace(server.login, security="starttls")) as session:
            assert session.capabilities == {"IMAP4REV1", "STARTTLS"}
            assert session.select("INBOX").uidnext == 9
        assert b"STARTTLS" in server.heard


def test_a_server_that_refuses_at_the_door_is_quoted() -> None:
    with (
        ScriptedServer({}, greeting=b"* BYE Too many connections from your IP\r\n" + DROP) as server,
        pytest.raises(ConnectionFailed, match=r": Too many connections from your IP"),
    ):
        MailSession.open(server.login)


@pytest.mark.parametrize("security", ["none", "starttls"])
def test_a_server_that_asks_for_no_password_is_not_believed(security: str) -> None:
    capable = b"* CAPABILITY IMAP4rev1 STARTTLS\r\n%T OK done\r\n"
    with (
        ScriptedServer({"CAPABILITY": capable}, greeting=b"* PREAUTH you are bob\r\n") as server,
        pytest.raises(ConnectionFailed),
    ):
        MailSession.open(replace(server.login, security=security))


def test_a_server_that_drops_the_connection_at_login_is_no_wrong_password() -> None:
    with ScriptedServer({"LOGIN": DROP}) as server, pytest.raises(ConnectionFailed, match="dropped the connection"):
        MailSession.open(server.login)


def test_a_server_that_says_goodbye_at_login_is_quoted() -> None:
    with (
        ScriptedServer({"LOGIN": b"* BYE Maintenance\r\n" + DROP}) as server,
        pytest.raises(ConnectionFailed, match="Maintenance"),
    ):
        MailSession.open(server.login)


@pytest.mark.parametrize("greeting", [STALL, b"* OK hel" + STALL])
def test_a_silent_server_is_given_up(greeting: bytes) -> None:
    with ScriptedServer({}, greeting=greeting) as server, pytest.raises(ConnectionFailed, match=r"within 0\.2 seconds"):
        MailSession.open(server.login, timeout=0.2)


def test_a_server_that_speaks_something_else_is_no_crash() -> None:
    with ScriptedServer({}, greeting=b"220 smtp.example.test ESMTP\r\n") as server, pytest.raises(ConnectionFailed):
        MailSession.open(server.login)


def test_tls_on_a_port_without_it_says_so() -> None:
    with ScriptedServer({}) as server, pytest.raises(ConnectionFailed, match="TLS failed"):
        MailSession.open(replace(server.login, security="tls"))


def test_nobody_there(box: Mailbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectionFailed, match="nobody listens"):
        MailSession.open(replace(box.login, port=port))


def test_an_unknown_host() -> None:
    with pytest.raises(ConnectionFailed, match=r"imap\.invalid"):
        MailSession.open(Login("imap.invalid", 993, "tls", "a", "b"))


def test_a_server_that_went_away_is_noticed_at_the_next_command(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Dovecot.start(tmp_path_factory.mktemp("gone"), {"a@example.test": "secret"}) as server:
        session = MailSession.open(Login("127.0.0.1", server.port, "none", "a@example.test", "secret", trusted=True))
        session.select("INBOX")
        server.kill()
        with pytest.raises(ConnectionFailed, match=r"dropped|closed"):
            session.uids(1)
        session.close()
