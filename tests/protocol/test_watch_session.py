"""A session that waits: what a real Dovecot tells it, and what becomes of servers that lie, refuse or fall silent."""

import dataclasses
import time
from pathlib import Path

import pytest
from pytest_django import Settings

from mail.types import AuthenticationFailed, ConnectionFailed, Login
from mail.watch import session
from mail.watch.session import CannotWatch
from syncfarm.certificates import write_self_signed
from tests.mailboxes import Mailbox, MailboxFactory
from tests.protocol.scripted import DROP, STALL, ScriptedServer
from tests.protocol.watched import failure, listening

MAIL = b"Subject: new\r\n\r\nHello\r\n"
IDLING = {"CAPABILITY": b"* CAPABILITY IMAP4rev1 IDLE\r\n%T OK done\r\n", "IDLE": b"+ idling\r\n"}


def scripted(**script: bytes) -> ScriptedServer:
    return ScriptedServer({**IDLING, **script})


# --- Dovecot ---------------------------------------------------------------------------------------------------------


def test_notify_tells_of_every_change_in_every_folder(mailbox_factory: MailboxFactory) -> None:
    mailbox = mailbox_factory("qresync")
    with mailbox.client() as other, listening(mailbox.login) as heard:
        heard.wait(lambda heard: heard.mode == "notify")
        heard.tells_of(lambda: other.append("INBOX", MAIL))
        heard.tells_of(lambda: other.create_folder("Kept"))
        heard.tells_of(lambda: other.append("Kept", MAIL))
        other.select_folder("Kept")
        heard.tells_of(lambda: other.add_flags([1], [b"\\Flagged"]))
        heard.tells_of(lambda: other.move([1], "INBOX"))
        other.select_folder("INBOX")
        other.add_flags([1], [b"\\Deleted"])
        time.sleep(1)
        heard.tells_of(other.expunge)
        heard.tells_of(lambda: other.rename_folder("Kept", "Else"))
        heard.tells_of(lambda: other.delete_folder("Else"))


def test_idle_tells_of_the_inbox(mailbox_factory: MailboxFactory) -> None:
    mailbox = mailbox_factory("condstore")  # that one advertises no NOTIFY
    with mailbox.client() as other, listening(mailbox.login) as heard:
        heard.wait(lambda heard: heard.mode == "idle")
        heard.tells_of(lambda: other.append("INBOX", MAIL))
        other.select_folder("INBOX")
        heard.tells_of(lambda: other.add_flags([1], [b"\\Flagged"]))
        heard.tells_of(lambda: (other.delete_messages([1]), other.expunge()))


def test_a_server_that_offers_neither_is_named(mailbox_factory: MailboxFactory) -> None:
    error = failure(mailbox_factory("full").login)
    assert isinstance(error, CannotWatch)
    assert str(error) == "127.0.0.1 offers neither NOTIFY nor IDLE: it does not tell of changes by itself."


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_it_listens_over_tls(mailbox_factory: MailboxFactory, security: str) -> None:
    mailbox = mailbox_factory("qresync")
    port = mailbox.server.tls_port if security == "tls" else mailbox.port
    login = dataclasses.replace(mailbox.login, port=port, security=security)
    with mailbox.client() as other, listening(login) as heard:
        heard.wait(lambda heard: heard.mode == "notify")
        heard.tells_of(lambda: other.append("INBOX", MAIL))


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_certificate_that_nobody_vouches_for_is_refused(mailbox_factory: MailboxFactory, security: str) -> None:
    mailbox = mailbox_factory("qresync")
    port = mailbox.server.tls_port if security == "tls" else mailbox.port
    # An address that counts as public only here: an untrusted host at a private one is refused before.
    login = dataclasses.replace(mailbox.login, port=port, security=security, trusted=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("accounts.network.is_public", lambda _address: True)
        error = failure(login)
    assert "certificate" in str(error)
    assert "SYNCFARM_TRUSTED_HOSTS" in str(error)


@pytest.mark.parametrize("password", ['with "quotes" and \\', "pässwörd", "x" * 200])
def test_any_password_gets_in(mailbox_factory: MailboxFactory, password: str) -> None:
    mailbox = mailbox_factory("qresync")
    mailbox.server.add_user(mailbox.user, password)
    with listening(dataclasses.replace(mailbox.login, password=password)) as heard:
        heard.wait(lambda heard: heard.mode == "notify")


def test_a_refused_password_is_permanent(mailbox_factory: MailboxFactory) -> None:
    error = failure(dataclasses.replace(mailbox_factory("qresync").login, password="wrong horse"))
    assert isinstance(error, AuthenticationFailed)
    assert error.permanent
    assert "wrong horse" not in str(error)


def test_waits_are_renewed_and_nothing_is_lost_between_them(mailbox_factory: MailboxFactory) -> None:
    mailbox = mailbox_factory("qresync")
    with mailbox.client() as other, listening(mailbox.login, renewal=0.2) as heard:
        heard.wait(lambda heard: heard.mode == "notify")
        for _ in range(5):
            heard.tells_of(lambda: other.append("INBOX", MAIL))
        assert heard.error is None


def test_a_server_that_stops_is_noticed_at_once(mailbox_factory: MailboxFactory) -> None:
    mailbox = mailbox_factory("qresync")
    with listening(mailbox.login) as heard:
        heard.wait(lambda heard: heard.mode == "notify")
        mailbox.server.kill()
        try:
            heard.wait(lambda heard: heard.error, 3)
        finally:
            mailbox.server.restart()
    assert isinstance(heard.error, ConnectionFailed)


# --- made up ---------------------------------------------------------------------------------------------------------


def test_a_private_address_is_refused_unless_the_operator_vouches_for_it(settings: Settings) -> None:
    with scripted() as server:
        error = failure(dataclasses.replace(server.login, security="tls", trusted=False))
    assert "SYNCFARM_TRUSTED_HOSTS" in str(error)
    assert server.heard == []


def test_no_password_goes_out_in_the_clear_to_a_host_that_nobody_vouches_for() -> None:
    with scripted() as server:
        error = failure(dataclasses.replace(server.login, trusted=False))
    assert "without encryption is refused" in str(error)
    assert server.heard == []


def test_a_refused_notify_leaves_idle() -> None:
    offered = b"* CAPABILITY IMAP4rev1 IDLE NOTIFY\r\n%T OK done\r\n"
    with scripted(CAPABILITY=offered, NOTIFY=b"%T NO [BADEVENT] no\r\n") as server, listening(server.login) as heard:
        heard.wait(lambda heard: heard.mode == "idle")


def test_notify_without_idle_is_waited_for_in_between_commands() -> None:
    offered = b"* CAPABILITY IMAP4rev1 NOTIFY\r\n%T OK done\r\n"
    script = {
        "CAPABILITY": offered,
        "NOTIFY": b"%T OK done\r\n",
        "NOOP": b"* STATUS Kept (UIDNEXT 5)\r\n%T OK done\r\n",
    }
    with ScriptedServer(script) as server, listening(server.login, renewal=0.1) as heard:
        heard.wait(lambda heard: heard.hints > 2)
        assert heard.mode == "notify"


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ({"IDLE": b"%T OK done\r\n"}, "waits no longer"),
        ({"IDLE": b"%T BAD what?\r\n"}, "waits no longer"),
        ({"IDLE": b"+ \r\n* BYE [UNAVAILABLE] going down\r\n"}, "hung up: [UNAVAILABLE] going down"),
        ({"IDLE": b"+ \r\n* OK [NOTIFICATIONOVERFLOW] too much\r\n"}, "more to tell"),
        ({"IDLE": b"+ \r\n" + DROP}, "dropped the connection"),
        ({"IDLE": b"+ \r\n* LIST () {999999999}\r\n"}, "sent a literal of 999,999,999 octets"),
        ({"IDLE": b"+ \r\n" + b"x" * 100_000}, "sent a response of more than 65,536 octets: xxx"),
        ({"IDLE": b"+ \r\nHTTP/1.1 400\r\n"}, "not IMAP"),
        ({"EXAMINE": b"%T NO [NOPERM] no\r\n"}, "refuses to open the inbox"),
        ({"LOGIN": b"%T NO [UNAVAILABLE] later, secret\r\n"}, "cannot log alice in now: [UNAVAILABLE] later, …"),
        ({"LOGIN": b"secret is no response\r\n"}, "sent what is not IMAP: … is no response"),
        ({"LOGIN": DROP}, "dropped the connection"),
    ],
)
def test_what_ends_a_session_is_told_in_words(script: dict[str, bytes], words: str) -> None:
    with scripted(**script) as server:
        error = failure(server.login)
    assert isinstance(error, ConnectionFailed | AuthenticationFailed)
    assert not error.permanent
    assert words in str(error)
    assert "127.0.0.1" in str(error)
    assert "secret" not in str(error)


@pytest.mark.parametrize("script", [{"IDLE": STALL}, {"LOGIN": STALL}, {}])
def test_silence_is_death(monkeypatch: pytest.MonkeyPatch, script: dict[str, bytes]) -> None:
    monkeypatch.setattr(session, "ANSWER", 0.5)
    with scripted(**script) as server:
        began = time.monotonic()
        error = failure(server.login, renewal=0.2)
    assert "did not answer within 0.5 seconds" in str(error)
    assert time.monotonic() - began < 5


def test_a_flood_is_heard_and_does_not_take_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    flood = b"".join(b"* %d FETCH (FLAGS (\\Seen))\r\n" % number for number in range(1, 20_001))
    with scripted(IDLE=b"+ idling\r\n" + flood) as server, listening(server.login) as heard:
        heard.wait(lambda heard: heard.hints > 500)
        began, cpu = time.monotonic(), time.thread_time()
        time.sleep(0.5)
        assert time.thread_time() - cpu < 0.4 * (time.monotonic() - began)
        heard.wait(lambda heard: heard.hints == 20_000, 30)


def test_what_was_sent_before_tls_began_is_not_believed(tmp_path: Path) -> None:
    write_self_signed(tmp_path / "cert.pem", tmp_path / "key.pem", ["127.0.0.1"])
    injected = {**IDLING, "STARTTLS": b"%T OK go\r\n* OK [CAPABILITY IMAP4rev1] injected\r\n"}
    with ScriptedServer(injected, tls=tmp_path) as server:
        login = Login("127.0.0.1", server.port, "starttls", "alice", "secret", trusted=True)
        error = failure(login)
        assert isinstance(error, ConnectionFailed)
        assert not any(words.startswith(b"LOGIN") for words in server.heard)


def test_a_server_without_starttls_gets_no_password() -> None:
    with scripted(STARTTLS=b"%T BAD what?\r\n") as server:
        error = failure(dataclasses.replace(server.login, security="starttls"))
    assert "offers no STARTTLS" in str(error)
    assert not any(words.startswith(b"LOGIN") for words in server.heard)


def test_a_mailbox_is_not_written_to(mailbox_factory: MailboxFactory) -> None:
    mailbox: Mailbox = mailbox_factory("condstore")
    with mailbox.client() as other:
        other.append("INBOX", MAIL)
        with listening(mailbox.login) as heard:
            heard.wait(lambda heard: heard.mode == "idle")
        other.select_folder("INBOX", readonly=True)
        assert other.fetch([1], ["FLAGS"])[1][b"FLAGS"] == (b"\\Recent",)
