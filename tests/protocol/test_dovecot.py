"""The Dovecot that tests, demo and benchmarks run."""

from pathlib import Path

import pytest
from imapclient import IMAPClient

from syncfarm import dovecot
from syncfarm.dovecot import Dovecot, DovecotFailed
from tests.mailboxes import Mailbox, MailboxFactory

_MAIL = b"Subject: kept\r\n\r\nstill here\r\n"


def test_each_strategy_advertises_what_it_needs_and_no_more(mailbox: Mailbox, strategy: str) -> None:
    with mailbox.client() as client:
        offered = set(client.capabilities())
    assert (
        offered & {b"CONDSTORE", b"QRESYNC"}
        == {
            "qresync": {b"CONDSTORE", b"QRESYNC"},
            "condstore": {b"CONDSTORE"},
            "full": set(),
        }[strategy]
    )


def test_a_new_uidvalidity_keeps_the_mails(mailbox_factory: MailboxFactory) -> None:
    box = mailbox_factory("qresync")
    with box.client() as client:
        client.append("INBOX", _MAIL)
        before = client.select_folder("INBOX")[b"UIDVALIDITY"]
    box.server.reset_uidvalidity(box.user, "INBOX")
    with box.client() as client:
        assert client.select_folder("INBOX")[b"UIDVALIDITY"] == before + 1
        assert client.fetch(client.search(), ["BODY[]"])[1][b"BODY[]"] == _MAIL
    box.server.reset_uidvalidity(box.user, "INBOX", 7)
    with box.client() as client:
        assert client.select_folder("INBOX")[b"UIDVALIDITY"] == 7


def test_a_killed_server_keeps_its_mail_for_the_next_start(tmp_path: Path) -> None:
    first = Dovecot.start(tmp_path, {"alice@example.test": "secret"})
    with IMAPClient("127.0.0.1", port=first.port, ssl=False) as client:
        client.login("alice@example.test", "secret")
        client.append("INBOX", _MAIL)
    first.kill()
    with pytest.raises(OSError, match="refused"):
        IMAPClient("127.0.0.1", port=first.port, ssl=False)
    first.restart()
    with first, IMAPClient("127.0.0.1", port=first.port, ssl=False) as client:
        client.login("alice@example.test", "secret")
        assert client.select_folder("INBOX")[b"EXISTS"] == 1


def test_a_directory_may_have_a_long_path(tmp_path: Path) -> None:
    directory = tmp_path / ("deep" * 30)
    with Dovecot.start(directory, {"alice@example.test": "secret"}) as server:
        with IMAPClient("127.0.0.1", port=server.port, ssl=False) as client:
            client.login("alice@example.test", "secret")
            assert client.append("INBOX", _MAIL)
        assert server.admin("mailbox", "list", "-u", "alice@example.test").strip() == "INBOX"


def test_a_missing_dovecot_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dovecot, "_binary", lambda _: "")
    assert not Dovecot.installed()
    with pytest.raises(DovecotFailed, match="apt-get install dovecot-imapd"):
        Dovecot.start(tmp_path, {})
